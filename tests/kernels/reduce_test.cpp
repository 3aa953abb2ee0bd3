#include "kernels/reduce.hpp"

#include <limits>

#include "kernels/error.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class ReduceTest : public KernelTest {
 protected:
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> sizes = kAwkwardSizes;
    sizes.push_back(kReduceBlock * 3 + 1);
    return sizes;
  }
};

TEST_F(ReduceTest, SumAndDot) {
  for (const std::size_t size : sizes()) {
    const auto x = random_vector(size, 1), y = random_vector(size, 2);
    long double sum_oracle = 0.0L, dot_oracle = 0.0L;
    for (std::size_t i = 0; i < size; ++i) {
      sum_oracle += x[i];
      dot_oracle += static_cast<long double>(x[i]) * y[i];
    }
    auto a = on_device(x), b = on_device(y);
    const double tolerance = 1e-14 * static_cast<double>(size) + 1e-300;
    EXPECT_NEAR(sum(stream(), a.span()), static_cast<double>(sum_oracle), tolerance);
    EXPECT_NEAR(dot(stream(), a.span(), b.span()), static_cast<double>(dot_oracle), tolerance);
  }
}

// Whole numbers have exact sums, whatever the order.
TEST_F(ReduceTest, EveryElementCountsOnce) {
  std::vector<std::size_t> all = sizes();
  all.push_back(kReduceBlock * kReduceBlock + 5);  // blocks of sums of blocks
  for (const std::size_t size : all) {
    std::vector<double> x(size);
    for (std::size_t i = 0; i < size; ++i) x[i] = static_cast<double>(i + 1);
    auto a = on_device(x);
    const auto n = static_cast<double>(size);
    EXPECT_EQ(sum(stream(), a.span()), n * (n + 1.0) / 2.0);
  }
}

TEST_F(ReduceTest, TheLargestMagnitudeIsFoundEverywhere) {
  for (const std::size_t size : sizes()) {
    for (const std::size_t place : {std::size_t{0}, size / 2, size - 1}) {
      if (place >= size) continue;
      std::vector<double> x = random_vector(size, 3);
      x[place] = -5.0;
      EXPECT_EQ(max_abs(stream(), on_device(x).span()), 5.0);
      x[place] = kNan;
      EXPECT_TRUE(std::isnan(max_abs(stream(), on_device(x).span())));
      x[place] = -kInfinity;
      EXPECT_EQ(max_abs(stream(), on_device(x).span()), kInfinity);
    }
  }
  EXPECT_EQ(max_abs(stream(), zeros(0).span()), 0.0);
}

TEST_F(ReduceTest, NonfiniteElementsAreCounted) {
  for (const std::size_t size : sizes()) {
    std::vector<double> x = random_vector(size, 4);
    std::uint64_t bad = 0;
    for (std::size_t i = 0; i < size; i += 37, ++bad) {
      x[i] = bad % 3 == 0 ? kNan : bad % 3 == 1 ? kInfinity : -kInfinity;
    }
    EXPECT_EQ(count_nonfinite(stream(), on_device(x).span()), bad);
  }
}

TEST_F(ReduceTest, DotOfUnequalSizesIsAnError) {
  auto a = zeros(3), b = zeros(4);
  EXPECT_THROW(dot(stream(), a.span(), b.span()), Error);
}

TEST_F(ReduceTest, SumOfSquaresOfFloatsIsFiniteIfTheyAre) {
  for (const std::size_t size : sizes()) {
    const auto x = random_vector(size, 5);
    std::vector<float> values(x.begin(), x.end());
    long double oracle = 0.0L;
    for (const float value : values) oracle += static_cast<long double>(value) * value;
    Guarded<float> a(stream(), values);
    const double tolerance = 1e-14 * static_cast<double>(size) + 1e-300;
    EXPECT_NEAR(sum_of_squares(stream(), a.span()), static_cast<double>(oracle), tolerance);
    if (size == 0) continue;
    for (const double bad : {kNan, kInfinity, -kInfinity, 3e38}) {
      values[size / 2] = static_cast<float>(bad);
      Guarded<float> b(stream(), values);
      EXPECT_EQ(std::isfinite(sum_of_squares(stream(), b.span())), std::isfinite(bad));
    }
  }
}

}  // namespace
}  // namespace bayesum::test
