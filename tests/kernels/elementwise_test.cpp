#include "kernels/elementwise.hpp"

#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

using ElementwiseTest = KernelTest;

TEST_F(ElementwiseTest, BlendIsTheLearningRule) {
  constexpr double kRho = 0.3;
  for (const std::size_t size : kAwkwardSizes) {
    const auto current = random_vector(size, 1), prior = random_vector(size, 2),
               message = random_vector(size, 3);
    auto in = on_device(current), p = on_device(prior), m = on_device(message), out = zeros(size);
    apply(stream(), Blend{kRho, in.data(), p.data(), m.data(), out.data()}, size);
    apply(stream(), Blend{kRho, in.data(), p.data(), m.data(), in.data()}, size);
    std::vector<double> expected(size);
    for (std::size_t i = 0; i < size; ++i) {
      expected[i] = (1.0 - kRho) * current[i] + kRho * (prior[i] + message[i]);
    }
    expect_near(out.host(), expected, 1e-15);
    EXPECT_EQ(in.host(), out.host()) << "in place";
  }
}

TEST_F(ElementwiseTest, AddScaledAndScale) {
  for (const std::size_t size : kAwkwardSizes) {
    const auto x = random_vector(size, 4), y = random_vector(size, 5);
    auto in = on_device(x), out = on_device(y);
    apply(stream(), AddScaled{-2.5, in.data(), out.data()}, size);
    apply(stream(), Scale{0.5, out.data()}, size);
    std::vector<double> expected(size);
    for (std::size_t i = 0; i < size; ++i) expected[i] = 0.5 * (y[i] - 2.5 * x[i]);
    expect_near(out.host(), expected, 1e-15);
  }
}

TEST_F(ElementwiseTest, StridesReachEveryOther) {
  constexpr std::size_t kStride = 3;
  for (const std::size_t size : kAwkwardSizes) {
    const auto x = random_vector(size, 6), y = random_vector(size * kStride, 7);
    auto in = on_device(x), sum = on_device(y), filled = on_device(y);
    apply(stream(), AddScaled{2.0, in.data(), sum.data(), kStride}, size);
    apply(stream(), Fill{-4.0, filled.data(), kStride}, size);
    std::vector<double> expected_sum = y, expected_filled = y;
    for (std::size_t i = 0; i < size; ++i) {
      expected_sum[i * kStride] += 2.0 * x[i];
      expected_filled[i * kStride] = -4.0;
    }
    expect_near(sum.host(), expected_sum, 1e-15);
    EXPECT_EQ(filled.host(), expected_filled);
  }
}

TEST_F(ElementwiseTest, Multiply) {
  for (const std::size_t size : kAwkwardSizes) {
    const auto x = random_vector(size, 8), y = random_vector(size, 9);
    auto a = on_device(x), b = on_device(y), out = zeros(size);
    apply(stream(), bayesum::Multiply{a.data(), b.data(), out.data()}, size);
    std::vector<double> expected(size);
    for (std::size_t i = 0; i < size; ++i) expected[i] = x[i] * y[i];
    EXPECT_EQ(out.host(), expected);
  }
}

TEST_F(ElementwiseTest, LookUpReadsTheTable) {
  const auto table = random_vector(7, 12);
  auto values = on_device(table);
  for (const std::size_t size : kAwkwardSizes) {
    std::vector<double> index(size), expected(size);
    for (std::size_t i = 0; i < size; ++i) {
      index[i] = static_cast<double>((5 * i + i / 3) % table.size());
      expected[i] = table[(5 * i + i / 3) % table.size()];
    }
    auto at = on_device(index), out = zeros(size);
    apply(stream(), LookUp{values.data(), at.data(), out.data()}, size);
    EXPECT_EQ(out.host(), expected);
  }
}

TEST_F(ElementwiseTest, AddPackedPrecisionHalvesTheDiagonal) {
  for (const std::size_t d : {0, 1, 2, 31, 33, 257}) {
    const auto precision = random_vector(packed_size(d), 10),
               start = random_vector(packed_size(d), 11);
    auto in = on_device(precision), out = on_device(start);
    apply(stream(), AddPackedPrecision{in.data(), out.data()}, packed_size(d));
    std::vector<double> expected = start;
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        expected[packed_index(i, j)] -= (i == j ? 0.5 : 1.0) * precision[packed_index(i, j)];
      }
    }
    EXPECT_EQ(out.host(), expected);
  }
}

}  // namespace
}  // namespace bayesum::test
