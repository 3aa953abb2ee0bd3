#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/error.hpp"
#include "kernels/gemm.hpp"
#include "kernels/glm_pass.hpp"
#include "kernels/gram.hpp"
#include "kernels/sparse_algebra.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

// A sparse matrix and the same one dense: most elements are absent, and some rows have none.
struct Rows {
  std::size_t n, d;
  std::vector<std::size_t> start = {0};
  std::vector<std::uint32_t> column;
  std::vector<double> value;
  std::vector<double> dense;

  Rows(std::size_t rows, std::size_t cols, double density) : n(rows), d(cols), dense(n * d) {
    const auto u = random_vector(n * d, 31, 0.0, 1.0);
    const auto x = random_vector(n * d, 32, -2.0, 2.0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < d && i % 5 != 3; ++j) {
        if (u[i * d + j] >= density) continue;
        column.push_back(static_cast<std::uint32_t>(j));
        value.push_back(x[i * d + j]);
        dense[i * d + j] = x[i * d + j];
      }
      start.push_back(column.size());
    }
  }

  SparseView sparse() const { return {start, column, value, d}; }
  MatrixView<const double> matrix() const { return {dense.data(), n, d}; }
};

// Shapes over which sparse and dense are compared: rows, columns, density.
struct Shape {
  std::size_t n, d;
  double density;
};
const Shape kShapes[] = {{0, 3, 0.5},   {1, 1, 1.0},     {31, 7, 0.3},     {257, 33, 0.1},
                         {513, 5, 0.0}, {4097, 20, 0.2}, {600, 520, 0.01}, {40, 0, 0.5}};

void expect_equal_sums(const std::vector<double>& sparse, const std::vector<double>& dense,
                       std::size_t n) {
  expect_near(sparse, dense, 1e-14 * (10.0 + static_cast<double>(n)));
}

TEST(SparseAlgebra, AgreesWithDenseRows) {
  for (const auto& [n, d, density] : kShapes) {
    const Rows rows(n, d, density);
    const auto weight = random_vector(n, 1, 0.0, 2.0);
    std::vector<double> sums[2], packed[2], products[2];
    for (int kind = 0; kind < 2; ++kind) {
      sums[kind] = random_vector(d, 2);
      packed[kind] = random_vector(packed_size(d), 3);
      products[kind].assign(n * 3, std::nan(""));
    }
    const auto b = random_vector(3 * d, 4);
    weighted_column_sum(rows.sparse(), weight, sums[0]);
    weighted_column_sum(Stream(), rows.matrix(), weight, sums[1]);
    weighted_gram(rows.sparse(), weight, packed[0]);
    weighted_gram(Stream(), rows.matrix(), weight, packed[1]);
    multiply_transposed(rows.sparse(), {b.data(), 3, d}, {products[0].data(), n, 3});
    gemm(Stream(), {.transpose_b = Transpose::kYes}, rows.matrix(), {b.data(), 3, d},
         {products[1].data(), n, 3});
    expect_equal_sums(sums[0], sums[1], n);
    expect_equal_sums(packed[0], packed[1], n);
    expect_equal_sums(products[0], products[1], n);
  }
}

TEST(SparseAlgebra, WithoutWeightsEachIsOne) {
  const Rows rows(50, 6, 0.4);
  std::vector<double> without(packed_size(6)), with(packed_size(6));
  weighted_gram(rows.sparse(), {}, without);
  weighted_gram(rows.sparse(), std::vector<double>(50, 1.0), with);
  EXPECT_EQ(without, with);
}

TEST(SparseAlgebra, WhatIsNoMatrixIsAnError) {
  std::vector<double> out(packed_size(3));
  const std::vector<double> value{1.0, 2.0};
  const auto gram = [&](std::vector<std::size_t> start, std::vector<std::uint32_t> column) {
    weighted_gram({start, column, value, 3}, {}, out);
  };
  EXPECT_NO_THROW(gram({0, 2}, {0, 2}));
  EXPECT_THROW(gram({0, 2}, {0, 3}), Error) << "a column out of range";
  EXPECT_THROW(gram({0, 2}, {2, 0}), Error) << "columns that descend";
  EXPECT_THROW(gram({0, 2}, {1, 1}), Error) << "a column twice";
  EXPECT_THROW(gram({0, 3}, {0, 1}), Error) << "a row past the end";
  EXPECT_THROW(gram({0, 2, 1}, {0, 1}), Error) << "starts that descend";
}

enum class Spread { kDelta, kDiagonal, kFull };

// A pass over sparse rows and one over the same rows, dense.
class SparsePass {
 public:
  SparsePass(const Rows& rows, Likelihood likelihood, Spread spread)
      : rows_(rows),
        y_(random_vector(rows.n, 5, 0.0, 1.0)),
        offset_(random_vector(rows.n, 6)),
        weight_(random_vector(rows.n, 7, 0.0, 2.0)),
        mean_(random_vector(rows.d, 8, -0.3, 0.3)),
        variance_(random_vector(rows.d, 9, 0.0, 0.3)),
        factor_(random_vector(rows.d * rows.d, 10, -0.2, 0.2)),
        covariance_(rows.d * rows.d) {
    const bool binary = likelihood == Likelihood::kLogistic || likelihood == Likelihood::kProbit;
    for (double& y : y_) y = binary ? std::floor(2.0 * y) : std::floor(9.0 * y * y);
    const std::size_t d = rows.d;
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = i + 1; j < d; ++j) factor_[i * d + j] = 0.0;
    }
    const MatrixView<const double> factor(factor_.data(), d, d);
    gemm(Stream(), {.transpose_a = Transpose::kYes}, factor, factor, {covariance_.data(), d, d});
    dense_ = {.likelihood = likelihood,
              .dispersion = 1.7,
              .y = y_,
              .offset = offset_,
              .weight = weight_,
              .mean = mean_};
    if (spread == Spread::kDiagonal) dense_.variance = variance_;
    sparse_ = dense_;
    dense_.x = rows.matrix();
    sparse_.sparse = rows.sparse();
    if (spread == Spread::kFull) {
      dense_.inverse_factor = factor;
      sparse_.covariance = {covariance_.data(), d, d};
    }
  }

  void compare_sums() const {
    for (const std::size_t size : {packed_size(rows_.d), rows_.d}) {
      const auto sparse = sums(sparse_, size), dense = sums(dense_, size);
      expect_near(sparse, dense, 1e-12 * (1.0 + static_cast<double>(rows_.n)));
    }
  }

  void compare_predictors() const {
    std::vector<double> z[2], v[2];
    for (int kind = 0; kind < 2; ++kind) {
      z[kind].resize(rows_.n);
      v[kind].resize(rows_.n);
      linear_predictor(Stream(), kind == 0 ? sparse_ : dense_, z[kind], v[kind]);
    }
    expect_near(z[0], z[1], 1e-13);
    expect_near(v[0], v[1], 1e-12);
  }

  GlmPass sparse() const { return sparse_; }

 private:
  // Loss, gradient and a curvature of this size, added to something.
  std::vector<double> sums(GlmPass pass, std::size_t curvature) const {
    std::vector<double> all = random_vector(1 + rows_.d + curvature, 20);
    pass.loss = all.data();
    pass.gradient = std::span(all).subspan(1, rows_.d);
    pass.curvature = std::span(all).subspan(1 + rows_.d);
    glm_pass(Stream(), pass);
    return all;
  }

  const Rows& rows_;
  std::vector<double> y_, offset_, weight_, mean_, variance_, factor_, covariance_;
  GlmPass dense_, sparse_;
};

TEST(SparseGlmPass, AgreesWithDenseRows) {
  for (const auto& [n, d, density] : kShapes) {
    const Rows rows(n, d, density);
    for (const Likelihood likelihood : {Likelihood::kLogistic, Likelihood::kProbit,
                                        Likelihood::kPoisson, Likelihood::kNegativeBinomial}) {
      for (const Spread spread : {Spread::kDelta, Spread::kDiagonal, Spread::kFull}) {
        const SparsePass pass(rows, likelihood, spread);
        pass.compare_sums();
        pass.compare_predictors();
      }
    }
  }
}

TEST(SparseGlmPass, TakesTheSpreadThatBelongsToItsRows) {
  const Rows rows(20, 4, 0.5);
  const SparsePass full(rows, Likelihood::kPoisson, Spread::kFull);
  double loss = 0.0;
  GlmPass pass = full.sparse();
  pass.loss = &loss;
  EXPECT_NO_THROW(glm_pass(Stream(), pass));
  pass.inverse_factor = pass.covariance;
  EXPECT_THROW(glm_pass(Stream(), pass), Error) << "two spreads";
  pass.covariance = {};
  EXPECT_THROW(glm_pass(Stream(), pass), Error) << "an inverse factor for sparse rows";
  pass = full.sparse();
  pass.sparse = {};
  pass.x = rows.matrix();
  EXPECT_THROW(glm_pass(Stream(), pass), Error) << "a covariance for dense rows";
}

}  // namespace
}  // namespace bayesum::test
