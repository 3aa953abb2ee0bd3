#include "kernels/network/cross_entropy.hpp"

#include "kernels/error.hpp"
#include "tests/kernels/network/network_test.hpp"

namespace bayesum::test {
namespace {

struct Shape {
  std::size_t rows, classes, padding;
};
const std::vector<Shape> kShapes{{0, 3, 1},   {1, 1, 0},     {7, 2, 3},
                                 {31, 33, 0}, {257, 31, 1},  {33, 255, 1},
                                 {9, 256, 0}, {65, 257, 63}, {3, 4097, 31}};

// Targets, some of them ignored.
std::vector<std::int32_t> random_targets(Shape s) {
  std::vector<std::int32_t> targets;
  for (const double value : random_vector(s.rows, 9, 0.0, static_cast<double>(s.classes))) {
    targets.push_back(targets.size() % 5 == 3 ? kIgnoredTarget : static_cast<std::int32_t>(value));
  }
  return targets;
}

// Padding is NaN: it must not be read.
template <class T>
std::vector<T> random_logits(Shape s, double reach) {
  std::vector<T> z = random_values<T>(s.rows * (s.classes + s.padding), 1, -reach, reach);
  for (std::size_t i = 0; i < z.size(); ++i) {
    if (i % (s.classes + s.padding) >= s.classes) z[i] = static_cast<T>(std::nanf(""));
  }
  return z;
}

struct Oracle {
  std::vector<double> loss, gradient, sums{0.0, 0.0, 0.0};

  Oracle(Shape s, const std::vector<double>& logits, const std::vector<std::int32_t>& targets,
         double scale) {
    const std::size_t width = s.classes + s.padding;
    for (std::size_t r = 0; r < s.rows; ++r) {
      const double* const z = logits.data() + r * width;
      const double* const top = std::max_element(z, z + s.classes);
      double total = 0.0;
      for (std::size_t j = 0; j < s.classes; ++j) total += std::exp(z[j] - *top);
      const bool counted = targets[r] >= 0;
      loss.push_back(counted ? std::log(total) + *top - z[targets[r]] : 0.0);
      for (std::size_t j = 0; j < width; ++j) {
        const double p = j < s.classes ? std::exp(z[j] - *top) / total : 0.0;
        const bool own = counted && j == static_cast<std::size_t>(targets[r]);
        gradient.push_back(counted ? scale * (p - (own ? 1.0 : 0.0)) : 0.0);
      }
      if (!counted) continue;
      sums[0] += loss.back();
      sums[1] += 1.0;
      sums[2] += top - z == targets[r] ? 1.0 : 0.0;
    }
  }
};

template <class T>
class CrossEntropyTest : public NetworkTest<T> {};
TYPED_TEST_SUITE(CrossEntropyTest, StorageTypes);

TYPED_TEST(CrossEntropyTest, LossAndGradientMatchTheSoftmax) {
  using T = TypeParam;
  constexpr float kScale = 0.25f;
  for (const Shape s : kShapes) {
    for (const double reach : {3.0, 1000.0}) {
      const auto logits = random_logits<T>(s, reach);
      const auto targets = random_targets(s);
      Oracle oracle(s, wide(logits), targets, wide(kScale));
      Guarded<std::int32_t> dtargets(this->stream(), targets);
      auto z = this->store(logits);
      auto sums = this->on_device({10.0, 20.0, 30.0});
      cross_entropy(this->stream(),
                    CrossEntropy<T>{.logits = z.matrix(s.rows, s.classes + s.padding),
                                    .classes = s.classes,
                                    .targets = dtargets.span(),
                                    .scale = kScale,
                                    .sums = sums.span()});
      expect_close(z.host(), oracle.gradient, this->kTolerance, 0.02);
      for (std::size_t k = 0; k < 3; ++k) oracle.sums[k] += 10.0 * static_cast<double>(k + 1);
      expect_near(sums.host(), oracle.sums, 2e-7);
      EXPECT_EQ(sums.host()[1], oracle.sums[1]);
      EXPECT_EQ(sums.host()[2], oracle.sums[2]);
    }
  }
}

TYPED_TEST(CrossEntropyTest, EqualLogitsBelongToTheFirstClass) {
  using T = TypeParam;
  Guarded<std::int32_t> targets(this->stream(), {0, 1, 2});
  auto z = this->store(std::vector<T>(9, static_cast<T>(2.0f)));
  auto sums = this->zeros(kLossSums);
  cross_entropy(
      this->stream(),
      CrossEntropy<T>{
          .logits = z.matrix(3, 3), .classes = 3, .targets = targets.span(), .sums = sums.span()});
  expect_near(sums.host(), {3.0 * std::log(3.0), 3.0, 1.0}, 1e-7);
}

TYPED_TEST(CrossEntropyTest, WhatCannotBeIsNotANumber) {
  using T = TypeParam;
  Guarded<std::int32_t> targets(this->stream(), {0, 5, 2});
  std::vector<T> logits(9, static_cast<T>(1.0f));
  logits[7] = static_cast<T>(std::nanf(""));
  auto z = this->store(logits);
  auto sums = this->zeros(kLossSums);
  cross_entropy(
      this->stream(),
      CrossEntropy<T>{
          .logits = z.matrix(3, 3), .classes = 3, .targets = targets.span(), .sums = sums.span()});
  EXPECT_TRUE(std::isnan(sums.host()[0]));
}

class LogSoftmaxTest : public NetworkTest<float> {};

TEST_F(LogSoftmaxTest, IsTheLogarithmOfTheSoftmax) {
  for (const Shape s : kShapes) {
    for (const double reach : {3.0, 1000.0}) {
      const auto logits = random_logits<float>(s, reach);
      std::vector<double> expected;
      for (std::size_t r = 0; r < s.rows; ++r) {
        const float* const row = logits.data() + r * (s.classes + s.padding);
        const double top = *std::max_element(row, row + s.classes);
        double total = 0.0;
        for (std::size_t j = 0; j < s.classes; ++j) total += std::exp(wide(row[j]) - top);
        for (std::size_t j = 0; j < s.classes; ++j) {
          expected.push_back(wide(row[j]) - top - std::log(total));
        }
      }
      auto z = store(logits);
      std::vector<float> out(s.rows * s.classes);
      log_softmax(stream(), z.matrix(s.rows, s.classes + s.padding), s.classes, out);
      expect_close(out, expected, 1e-6);
    }
  }
}

TEST_F(LogSoftmaxTest, OfWhatIsNotANumberIsNone) {
  std::vector<float> logits(9, 1.0f);
  logits[7] = std::nanf("");
  auto z = store(logits);
  std::vector<float> out(9);
  log_softmax(stream(), z.matrix(3, 3), 3, out);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(std::isnan(out[i]), i >= 6);
  EXPECT_THROW(log_softmax(stream(), z.matrix(3, 3), 4, out), Error);
  EXPECT_THROW(log_softmax(stream(), z.matrix(3, 3), 2, out), Error);
}

TYPED_TEST(CrossEntropyTest, SquaredErrorIsAGaussiansLogDensity) {
  using T = TypeParam;
  constexpr double kPrecision = 2.5, kScale = 0.5;
  for (const std::size_t rows : kNetworkSizes) {
    for (const std::size_t cols : {1, 3, 33}) {
      const auto f = random_values<T>(rows * cols, 1, -2.0, 2.0);
      const auto y = random_values<float>(rows * cols, 2);
      std::vector<double> gradient, expected{0.0, static_cast<double>(rows), 0.0};
      for (std::size_t i = 0; i < f.size(); ++i) {
        const double error = wide(static_cast<float>(f[i])) - wide(y[i]);
        const double sigma = 1.0 / std::sqrt(kPrecision);
        gradient.push_back(kScale * kPrecision * error);
        expected[0] += std::log(sigma * std::sqrt(2.0 * M_PI)) + 0.5 * std::pow(error / sigma, 2);
        expected[2] += error * error;
      }
      auto out = this->store(f);
      auto target = this->floats(y);
      auto noise = this->floats({static_cast<float>(std::log(kPrecision))});
      auto sums = this->zeros(kLossSums);
      squared_error(this->stream(), SquaredError<T>{.output = out.matrix(rows, cols),
                                                    .target = target.matrix(rows, cols),
                                                    .log_precision = noise.data(),
                                                    .scale = static_cast<float>(kScale),
                                                    .sums = sums.span()});
      expect_close(out.host(), gradient, this->kTolerance);
      expect_near(sums.host(), expected, 1e-6);
    }
  }
}

TYPED_TEST(CrossEntropyTest, ASquaredErrorOfNoPrecisionIsNotANumber) {
  using T = TypeParam;
  for (const float log_precision : {-200.0f, 200.0f, std::nanf("")}) {
    auto out = this->store(std::vector<T>{static_cast<T>(2.0f), static_cast<T>(-1.0f)});
    auto target = this->floats({1.0f, 1.0f});
    auto noise = this->floats({log_precision});
    auto sums = this->zeros(kLossSums);
    SquaredError<T> op{
        .output = out.matrix(2, 1), .target = target.matrix(2, 1), .sums = sums.span()};
    EXPECT_THROW(squared_error(this->stream(), op), Error);
    op.log_precision = noise.data();
    squared_error(this->stream(), op);
    EXPECT_TRUE(std::isnan(sums.host()[0]));
    EXPECT_EQ(sums.host()[1], 2.0);
    expect_close(out.host(), {1.0, -2.0}, this->kTolerance);
  }
}

}  // namespace
}  // namespace bayesum::test
