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
  std::vector<double> loss, probabilities, gradient, sums{0.0, 0.0, 0.0};

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
        if (j < s.classes) probabilities.push_back(p);
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

TYPED_TEST(CrossEntropyTest, RowsMatchTheSoftmax) {
  using T = TypeParam;
  for (const Shape s : kShapes) {
    const auto logits = random_logits<T>(s, 5.0);
    const auto targets = random_targets(s);
    const Oracle oracle(s, wide(logits), targets, 1.0);
    Guarded<std::int32_t> dtargets(this->stream(), targets);
    auto z = this->store(logits);
    auto loss = this->floats(std::vector<float>(s.rows));
    auto probabilities = this->floats(std::vector<float>(s.rows * s.classes));
    CrossEntropyRows<T> op{.logits = z.matrix(s.rows, s.classes + s.padding),
                           .classes = s.classes,
                           .targets = dtargets.span(),
                           .loss = loss.span(),
                           .probabilities = probabilities.matrix(s.rows, s.classes)};
    cross_entropy_rows(this->stream(), op);
    expect_close(loss.host(), oracle.loss, 1e-6);
    expect_close(probabilities.host(), oracle.probabilities, 2e-6, 1e-6);
    op.loss = {};
    op.targets = {};
    EXPECT_NO_THROW(cross_entropy_rows(this->stream(), op));
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
  auto loss = this->floats(std::vector<float>(3));
  CrossEntropyRows<T> op{
      .logits = z.matrix(3, 3), .classes = 3, .targets = targets.span(), .loss = loss.span()};
  cross_entropy_rows(this->stream(), op);
  EXPECT_FALSE(std::isnan(loss.host()[0]));
  EXPECT_TRUE(std::isnan(loss.host()[1]));
  EXPECT_TRUE(std::isnan(loss.host()[2]));
  auto sums = this->zeros(kLossSums);
  cross_entropy(
      this->stream(),
      CrossEntropy<T>{
          .logits = z.matrix(3, 3), .classes = 3, .targets = targets.span(), .sums = sums.span()});
  EXPECT_TRUE(std::isnan(sums.host()[0]));
  op.classes = 4;
  EXPECT_THROW(cross_entropy_rows(this->stream(), op), Error);
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
      auto sums = this->zeros(kLossSums);
      squared_error(this->stream(), SquaredError<T>{.output = out.matrix(rows, cols),
                                                    .target = target.matrix(rows, cols),
                                                    .precision = static_cast<float>(kPrecision),
                                                    .scale = static_cast<float>(kScale),
                                                    .sums = sums.span()});
      expect_close(out.host(), gradient, this->kTolerance);
      expect_near(sums.host(), expected, 1e-6);
    }
  }
}

}  // namespace
}  // namespace bayesum::test
