#include "kernels/column_sums.hpp"

#include "kernels/error.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

using ColumnSumsTest = KernelTest;

// Whole numbers 0 .. below - 1.
std::vector<double> whole_numbers(std::size_t size, std::uint32_t seed, double below) {
  std::vector<double> values = random_vector(size, seed, 0.0, below);
  for (double& value : values) value = std::floor(value);
  return values;
}

TEST_F(ColumnSumsTest, MomentsMatchTheDoubleLoop) {
  for (const std::size_t d : {0, 1, 7, 33, 257}) {
    for (const std::size_t n : kAwkwardSizes) {
      const auto x = random_vector(n * d, 1), w = random_vector(n, 2), start = random_vector(d, 3);
      for (const bool weighted : {false, true}) {
        auto dx = on_device(x), dw = on_device(w), sums = on_device(start),
             squares = on_device(start);
        weighted_column_moments(stream(), dx.matrix(n, d),
                                weighted ? dw.span() : std::span<double>(), sums.span(),
                                squares.span());
        std::vector<double> sum = start, square = start;
        for (std::size_t i = 0; i < n; ++i) {
          for (std::size_t j = 0; j < d; ++j) {
            sum[j] += (weighted ? w[i] : 1.0) * x[i * d + j];
            square[j] += (weighted ? w[i] : 1.0) * x[i * d + j] * x[i * d + j];
          }
        }
        expect_near(sums.host(), sum, 1e-12);
        expect_near(squares.host(), square, 1e-12);
      }
    }
  }
}

TEST_F(ColumnSumsTest, LevelsAreCounted) {
  for (const std::size_t d : {1, 3, 40}) {
    std::vector<std::size_t> first{0};
    for (std::size_t j = 0; j < d; ++j) first.push_back(first.back() + 1 + (5 * j) % 7);
    Buffer<std::size_t> on(stream().device(), first.size());
    copy<std::size_t>(stream(), first, on.span());
    for (const std::size_t n : kAwkwardSizes) {
      auto x = whole_numbers(n * d, 4, 7.0);  // some beyond a column's last level
      if (n > 2) x[0] = -1.0;
      if (n > 3) x[2 * d - 1] = 1.5;  // between levels
      const auto w = random_vector(n, 5, 0.0, 2.0), start = random_vector(first.back(), 6);
      auto dx = on_device(x), dw = on_device(w), counts = on_device(start);
      weighted_level_counts(stream(), dx.matrix(n, d), dw.span(), std::as_const(on).span(),
                            counts.span());
      std::vector<double> expected = start;
      for (std::size_t j = 0; j < d; ++j) {
        for (std::size_t l = 0; l < first[j + 1] - first[j]; ++l) {
          for (std::size_t i = 0; i < n; ++i) {
            if (x[i * d + j] == static_cast<double>(l)) expected[first[j] + l] += w[i];
          }
        }
      }
      expect_near(counts.host(), expected, 1e-12);
    }
  }
}

TEST_F(ColumnSumsTest, CountsHaveTheirExposureAndBase) {
  for (const std::size_t d : {0, 1, 5, 33}) {
    for (const std::size_t n : kAwkwardSizes) {
      const auto x = whole_numbers(n * d, 7, 60.0), w = random_vector(n, 8, 0.0, 2.0),
                 offset = random_vector(n, 9);
      for (const bool plain : {false, true}) {
        auto dx = on_device(x), dw = on_device(w), shift = on_device(offset),
             out = on_device({3.0, -2.0});
        const auto unless_plain = [&](Guarded<double>& part) {
          return plain ? std::span<const double>() : std::span<const double>(part.span());
        };
        weighted_count_sums(stream(), dx.matrix(n, d), unless_plain(dw), unless_plain(shift),
                            out.span());
        std::vector<double> expected{3.0, -2.0};
        for (std::size_t i = 0; i < n; ++i) {
          const double weight = plain ? 1.0 : w[i], s = plain ? 0.0 : offset[i];
          expected[0] += weight * std::exp(s);
          for (std::size_t j = 0; j < d; ++j) {
            expected[1] += weight * (x[i * d + j] * s - std::lgamma(x[i * d + j] + 1.0));
          }
        }
        expect_near(out.host(), expected, 1e-11);
      }
    }
  }
}

TEST(LogFactorial, IsThatOfTheGammaFunction) {
  for (double n = 0; n < 1e15; n = std::ceil(n * 1.3 + 1.0)) {
    const double expected = static_cast<double>(std::lgamma(static_cast<long double>(n) + 1));
    EXPECT_NEAR(log_factorial(n), expected, 4e-16 * std::abs(expected)) << n;
  }
}

TEST_F(ColumnSumsTest, SizesThatDoNotFitAreErrors) {
  auto x = zeros(6), two = zeros(2), three = zeros(3);
  EXPECT_THROW(
      weighted_column_moments(stream(), x.matrix(3, 2), two.span(), two.span(), two.span()), Error);
  EXPECT_THROW(weighted_column_moments(stream(), x.matrix(3, 2), {}, two.span(), three.span()),
               Error);
  EXPECT_THROW(weighted_level_counts(stream(), x.matrix(3, 2), {}, {}, two.span()), Error);
  EXPECT_THROW(weighted_count_sums(stream(), x.matrix(3, 2), {}, two.span(), two.span()), Error);
  EXPECT_THROW(weighted_count_sums(stream(), x.matrix(3, 2), {}, {}, three.span()), Error);
}

}  // namespace
}  // namespace bayesum::test
