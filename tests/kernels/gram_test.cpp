#include "kernels/gram.hpp"

#include "kernels/error.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

using GramTest = KernelTest;

std::vector<double> naive_gram(const std::vector<double>& x, const std::vector<double>& w,
                               std::size_t n, std::size_t d, std::vector<double> packed) {
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0.0;
      for (std::size_t r = 0; r < n; ++r) {
        sum += (w.empty() ? 1.0 : w[r]) * x[r * d + i] * x[r * d + j];
      }
      packed[packed_index(i, j)] += sum;
    }
  }
  return packed;
}

TEST_F(GramTest, WeightedGramMatchesTheTripleLoop) {
  for (const std::size_t d : {0, 1, 3, 8, 16, 17, 31, 33, 100}) {
    for (const std::size_t n : kAwkwardSizes) {
      const auto x = random_vector(n * d, 1), start = random_vector(packed_size(d), 3);
      auto w = random_vector(n, 2, 0.0, 3.0);
      if (n > 2) w[1] = 0.0;
      auto dx = on_device(x), dw = on_device(w), plain = on_device(start),
           weighted = on_device(start);
      weighted_gram(stream(), dx.matrix(n, d), {}, plain.span());
      weighted_gram(stream(), dx.matrix(n, d), dw.span(), weighted.span());
      expect_near(plain.host(), naive_gram(x, {}, n, d, start), 1e-12);
      if (n > 0) expect_near(weighted.host(), naive_gram(x, w, n, d, start), 1e-12);
    }
  }
}

TEST_F(GramTest, RowsMayBeStrided) {
  constexpr std::size_t kRows = 300, kCols = 20, kStride = 29;
  const auto x = random_vector(kRows * kStride, 1), w = random_vector(kRows, 2, 0.0, 1.0);
  std::vector<double> dense;
  for (std::size_t i = 0; i < kRows; ++i) {
    dense.insert(dense.end(), x.begin() + static_cast<std::ptrdiff_t>(i * kStride),
                 x.begin() + static_cast<std::ptrdiff_t>(i * kStride + kCols));
  }
  auto dx = on_device(x), dw = on_device(w), out = zeros(packed_size(kCols)), sum = zeros(kCols);
  const MatrixView<const double> view(dx.data(), kRows, kCols, kStride);
  weighted_gram(stream(), view, dw.span(), out.span());
  weighted_column_sum(stream(), view, dw.span(), sum.span());
  expect_near(out.host(),
              naive_gram(dense, w, kRows, kCols, std::vector<double>(out.span().size())), 1e-12);
  std::vector<double> expected(kCols);
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t j = 0; j < kCols; ++j) expected[j] += w[i] * x[i * kStride + j];
  }
  expect_near(sum.host(), expected, 1e-12);
}

TEST_F(GramTest, ColumnSumMatchesTheDoubleLoop) {
  for (const std::size_t d : {0, 1, 7, 33, 257}) {
    for (const std::size_t n : kAwkwardSizes) {
      const auto x = random_vector(n * d, 1), w = random_vector(n, 2), start = random_vector(d, 3);
      auto dx = on_device(x), dw = on_device(w), out = on_device(start);
      weighted_column_sum(stream(), dx.matrix(n, d), dw.span(), out.span());
      std::vector<double> expected = start;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < d; ++j) expected[j] += w[i] * x[i * d + j];
      }
      expect_near(out.host(), expected, 1e-12);
    }
  }
}

TEST_F(GramTest, SizesThatDoNotFitAreErrors) {
  auto x = zeros(6), w = zeros(2), out = zeros(3);
  EXPECT_THROW(weighted_gram(stream(), x.matrix(3, 2), w.span(), out.span()), Error);
  EXPECT_THROW(weighted_gram(stream(), x.matrix(2, 3), w.span(), out.span()), Error);
  EXPECT_THROW(weighted_column_sum(stream(), x.matrix(2, 3), {}, out.span()), Error);
}

}  // namespace
}  // namespace bayesum::test
