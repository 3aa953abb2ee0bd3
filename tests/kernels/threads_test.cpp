#include <gtest/gtest.h>
#include <omp.h>

#include <bit>
#include <functional>

#include "kernels/cholesky.hpp"
#include "kernels/column_sums.hpp"
#include "kernels/gemm.hpp"
#include "kernels/glm_pass.hpp"
#include "kernels/gram.hpp"
#include "kernels/lda_pass.hpp"
#include "kernels/random.hpp"
#include "kernels/reduce.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

// Bits, not values: -0 is not 0, and a NaN is itself.
std::vector<std::uint64_t> bits(const std::vector<double>& values) {
  std::vector<std::uint64_t> all;
  for (const double value : values) all.push_back(std::bit_cast<std::uint64_t>(value));
  return all;
}

void expect_same_bits(const std::function<std::vector<double>(const Stream&)>& operation) {
  const Stream stream;
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::vector<std::uint64_t> alone = bits(operation(stream));
  EXPECT_FALSE(alone.empty());
  for (const int threads : {2, 3, 7}) {
    omp_set_num_threads(threads);
    EXPECT_TRUE(alone == bits(operation(stream))) << threads << " threads";
  }
  omp_set_num_threads(before);
}

constexpr std::size_t kRows = 5003, kCols = 37;

TEST(ThreadsTest, Reductions) {
  const auto x = random_vector(100 * kReduceBlock + 77, 1), y = random_vector(x.size(), 2);
  const std::vector<float> floats(x.begin(), x.end());
  expect_same_bits([&](const Stream& stream) {
    return std::vector<double>{sum(stream, x), dot(stream, x, y), max_abs(stream, x),
                               sum_of_squares(stream, floats)};
  });
}

TEST(ThreadsTest, Noise) {
  expect_same_bits([&](const Stream& stream) {
    std::vector<double> out(kRows * 3);
    fill_normal(stream, {1, 2, 3}, 5, std::span<double>(out));
    std::vector<float> floats(100'003);
    fill_normal(stream, {1, 2, 3}, 5, std::span<float>(floats));
    out.insert(out.end(), floats.begin(), floats.end());
    out.push_back(sum_of_squares(stream, floats));
    return out;
  });
}

TEST(ThreadsTest, Products) {
  const auto a = random_vector(kRows * kCols, 1), b = random_vector(kCols * kCols, 2);
  const MatrixView<const double> a_view(a.data(), kRows, kCols), b_view(b.data(), kCols, kCols);
  expect_same_bits([&](const Stream& stream) {
    std::vector<double> c(kRows * kCols), y(kRows);
    gemm(stream, {}, a_view, b_view, MatrixView<double>(c.data(), kRows, kCols));
    gemv(stream, 1.0, a_view, std::span(b).first(kCols), 0.0, y);
    c.insert(c.end(), y.begin(), y.end());
    return c;
  });
}

TEST(ThreadsTest, TriangularSolves) {
  auto l = random_vector(kCols * kCols, 3, 0.1, 0.2);
  for (std::size_t i = 0; i < kCols; ++i) l[i * kCols + i] = 2.0;
  const auto b = random_vector(kRows * kCols, 4);
  expect_same_bits([&](const Stream& stream) {
    std::vector<double> x = b;
    solve_cholesky(stream, {l.data(), kCols, kCols}, {x.data(), kRows, kCols});
    return x;
  });
}

TEST(ThreadsTest, ColumnSums) {
  auto x = random_vector(kRows * kCols, 7, 0.0, 5.0);
  for (double& value : x) value = std::floor(value);
  const auto w = random_vector(kRows, 8, 0.0, 1.0), offset = random_vector(kRows, 9);
  const MatrixView<const double> view(x.data(), kRows, kCols);
  std::vector<std::size_t> first(kCols + 1);
  for (std::size_t j = 0; j <= kCols; ++j) first[j] = 5 * j;
  expect_same_bits([&](const Stream& stream) {
    std::vector<double> out(7 * kCols + 2);
    const std::span<double> all(out);
    weighted_column_moments(stream, view, w, all.first(kCols), all.subspan(kCols, kCols));
    weighted_level_counts(stream, view, w, first, all.subspan(2 * kCols, 5 * kCols));
    weighted_count_sums(stream, view, w, offset, all.last(2));
    return out;
  });
}

TEST(ThreadsTest, Grams) {
  const auto x = random_vector(kRows * kCols, 5), w = random_vector(kRows, 6, 0.0, 1.0);
  const MatrixView<const double> view(x.data(), kRows, kCols);
  expect_same_bits([&](const Stream& stream) {
    std::vector<double> packed(packed_size(kCols)), sum(kCols);
    weighted_gram(stream, view, w, packed);
    weighted_column_sum(stream, view, w, sum);
    packed.insert(packed.end(), sum.begin(), sum.end());
    return packed;
  });
}

TEST(ThreadsTest, GlmPasses) {
  const auto x = random_vector(4 * kRows * kCols, 7), mean = random_vector(kCols, 8, -0.2, 0.2);
  const auto variance = random_vector(kCols, 9, 0.0, 0.1);
  auto factor = random_vector(kCols * kCols, 10, -0.1, 0.1);
  const std::vector<double> y(4 * kRows, 1.0);
  for (const bool full : {false, true}) {
    expect_same_bits([&](const Stream& stream) {
      std::vector<double> out(1 + kCols + packed_size(kCols));
      GlmPass pass{.x = {x.data(), 4 * kRows, kCols},
                   .y = y,
                   .mean = mean,
                   .loss = out.data(),
                   .gradient = std::span(out).subspan(1, kCols),
                   .curvature = std::span(out).subspan(1 + kCols)};
      if (full) {
        pass.inverse_factor = {factor.data(), kCols, kCols};
      } else {
        pass.variance = variance;
      }
      glm_pass(stream, pass);
      return out;
    });
  }
}

TEST(ThreadsTest, Documents) {
  constexpr std::size_t kDocuments = 203, kWords = 41, kTopics = 19;
  const auto word_topic = random_vector(kWords * kTopics, 21, 0.01, 1.0);
  const std::vector<double> scale(kWords);
  const auto counts = random_vector(kDocuments * kWords, 22, 0.0, 3.0);
  std::vector<std::size_t> start;
  std::vector<std::uint32_t> column;
  for (std::size_t i = 0; i <= kDocuments; ++i) start.push_back(i * kWords);
  for (std::size_t j = 0; j < counts.size(); ++j) {
    column.push_back(static_cast<std::uint32_t>(j % kWords));
  }
  expect_same_bits([&](const Stream& stream) {
    std::vector<double> out(kWords * kTopics + 1);
    LdaPass pass;
    pass.documents = {start, column, counts, kWords};
    pass.word_topic = {word_topic.data(), kWords, kTopics};
    pass.word_scale = scale;
    pass.counts = {out.data(), kWords, kTopics};
    pass.loss = &out.back();
    lda_pass(stream, pass);
    return out;
  });
}

}  // namespace
}  // namespace bayesum::test
