#include "kernels/glm_pass.hpp"

#include <algorithm>
#include <string>

#include <cblas.h>

#include "kernels/blas.hpp"
#include "kernels/buffer.hpp"
#include "kernels/error.hpp"
#include "kernels/glm_likelihood.hpp"
#include "kernels/gram_accumulator.hpp"
#include "kernels/parallel.hpp"
#include "kernels/sparse_glm_pass.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

// Rows of a block: about 256 KiB of x, so that its second and third reading are from cache.
std::size_t block_rows(std::size_t dimension) {
  constexpr std::size_t kElements = 32768;
  constexpr std::size_t kGrain = 32;
  return std::clamp<std::size_t>(kElements / std::max<std::size_t>(1, dimension) / kGrain, 1,
                                 4096 / kGrain) *
         kGrain;
}

std::size_t block_count(const GlmPass& pass) {
  const std::size_t rows = block_rows(pass.x.cols);
  return (pass.x.rows + rows - 1) / rows;
}

// The rows of one block, and what goes with each of them.
struct Rows {
  MatrixView<const double> x;
  std::size_t first;
  std::size_t count;

  Rows(const GlmPass& pass, std::size_t block)
      : first(block * block_rows(pass.x.cols)),
        count(std::min(block_rows(pass.x.cols), pass.x.rows - first)) {
    x = pass.x.row_block(first, count);
  }
};

bool has_spread(const GlmPass& pass) {
  return pass.x.cols != 0 && (pass.inverse_factor.data != nullptr || !pass.variance.empty());
}

// One thread's workplace for the linear predictor of a block.
class Predictor {
 public:
  explicit Predictor(const GlmPass& pass)
      : pass_(&pass),
        mapped_(Device{}, has_spread(pass) ? block_rows(pass.x.cols) * pass.x.cols : 0) {}

  void mean(const Rows& rows, double* z) const {
    if (pass_->offset.empty()) {
      std::fill_n(z, rows.count, 0.0);
    } else {
      std::copy_n(pass_->offset.data() + rows.first, rows.count, z);
    }
    cblas_dgemv(CblasRowMajor, CblasNoTrans, static_cast<int>(rows.count),
                static_cast<int>(rows.x.cols), 1.0, rows.x.data, blas_stride(rows.x),
                pass_->mean.data(), 1, 1.0, z, 1);
  }

  void variance(const Rows& rows, double* v) {
    if (!has_spread(*pass_)) {
      std::fill_n(v, rows.count, 0.0);
    } else if (pass_->inverse_factor.data != nullptr) {
      full_variance(rows, v);
    } else {
      diagonal_variance(rows, v);
    }
  }

 private:
  // |L^-1 x|^2
  void full_variance(const Rows& rows, double* v) {
    const std::size_t d = rows.x.cols;
    const MatrixView<const double>& factor = pass_->inverse_factor;
    for (std::size_t i = 0; i < rows.count; ++i) {
      std::copy_n(rows.x.data + i * rows.x.stride, d, mapped_.data() + i * d);
    }
    cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
                static_cast<int>(rows.count), static_cast<int>(d), 1.0, factor.data,
                blas_stride(factor), mapped_.data(), static_cast<int>(d));
    for (std::size_t i = 0; i < rows.count; ++i) {
      const double* const row = mapped_.data() + i * d;
      v[i] = cblas_ddot(static_cast<int>(d), row, 1, row, 1);
    }
  }

  // (x * x)' variance
  void diagonal_variance(const Rows& rows, double* v) {
    const std::size_t d = rows.x.cols;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const double* const row = rows.x.data + i * rows.x.stride;
      for (std::size_t j = 0; j < d; ++j) mapped_.data()[i * d + j] = row[j] * row[j];
    }
    std::fill_n(v, rows.count, 0.0);
    cblas_dgemv(CblasRowMajor, CblasNoTrans, static_cast<int>(rows.count), static_cast<int>(d), 1.0,
                mapped_.data(), static_cast<int>(d), pass_->variance.data(), 1, 1.0, v, 1);
  }

  const GlmPass* pass_;
  Buffer<double> mapped_;
};

bool wants_full_curvature(const GlmPass& pass) {
  return !pass.curvature.empty() && pass.curvature.size() == packed_size(pass.x.cols);
}

bool wants_diagonal_curvature(const GlmPass& pass) {
  return !pass.curvature.empty() && !wants_full_curvature(pass);
}

// One thread's sums over the blocks of a lane. All of a block is done while it is in cache.
template <class Loss>
class GlmLane {
 public:
  GlmLane(const GlmPass& pass, const Loss& loss)
      : pass_(&pass),
        of_row_(loss),
        rules_(&quadrature_rules()),
        predictor_(pass),
        z_(Device{}, block_rows(pass.x.cols)),
        v_(Device{}, block_rows(pass.x.cols)),
        gradient_(Device{}, pass.x.cols),
        diagonal_(Device{}, wants_diagonal_curvature(pass) ? pass.x.cols : 0),
        gram_(wants_full_curvature(pass) ? pass.x.cols : 0) {}

  void clear() {
    loss_ = 0.0;
    std::fill_n(gradient_.data(), gradient_.size(), 0.0);
    std::fill_n(diagonal_.data(), diagonal_.size(), 0.0);
    gram_.clear();
  }

  void add(std::size_t block) {
    const Rows rows(*pass_, block);
    predictor_.mean(rows, z_.data());
    predictor_.variance(rows, v_.data());
    take_expectations(rows);
    if (!pass_->gradient.empty()) {
      cblas_dgemv(CblasRowMajor, CblasTrans, static_cast<int>(rows.count),
                  static_cast<int>(rows.x.cols), 1.0, rows.x.data, blas_stride(rows.x), z_.data(),
                  1, 1.0, gradient_.data(), 1);
    }
    if (wants_full_curvature(*pass_)) gram_.add(rows.x, v_.data());
    if (wants_diagonal_curvature(*pass_)) add_diagonal(rows);
  }

  void add_to(const GlmPass& pass) const {
    if (pass.loss != nullptr) *pass.loss += loss_;
    for (std::size_t j = 0; j < pass.gradient.size(); ++j) pass.gradient[j] += gradient_.data()[j];
    for (std::size_t j = 0; j < diagonal_.size(); ++j) pass.curvature[j] += diagonal_.data()[j];
    if (wants_full_curvature(pass)) gram_.add_to(pass.curvature);
  }

 private:
  // z becomes w E[l'], v becomes w E[l''].
  void take_expectations(const Rows& rows) {
    double* const z = z_.data();
    double* const v = v_.data();
    for (std::size_t i = 0; i < rows.count; ++i) {
      const std::size_t row = rows.first + i;
      const double weight = pass_->weight.empty() ? 1.0 : pass_->weight[row];
      const GlmExpectation expectation =
          weighted(glm_expectation(of_row_, pass_->y[row], z[i], v[i], *rules_), weight);
      loss_ += expectation.loss;
      z[i] = expectation.gradient;
      v[i] = expectation.curvature;
    }
  }

  void add_diagonal(const Rows& rows) {
    double* const sum = diagonal_.data();
    for (std::size_t i = 0; i < rows.count; ++i) {
      const double* const row = rows.x.data + i * rows.x.stride;
      const double curvature = v_.data()[i];
      for (std::size_t j = 0; j < rows.x.cols; ++j) sum[j] += curvature * (row[j] * row[j]);
    }
  }

  const GlmPass* pass_;
  Loss of_row_;
  const QuadratureRules* rules_;
  Predictor predictor_;
  Buffer<double> z_;
  Buffer<double> v_;
  double loss_ = 0.0;
  Buffer<double> gradient_;
  Buffer<double> diagonal_;
  GramAccumulator gram_;
};

template <class Loss>
void sum_rows(const GlmPass& pass, const Loss& loss) {
  sum_in_lanes(
      block_count(pass), [&] { return GlmLane<Loss>(pass, loss); },
      [&](const GlmLane<Loss>& lane) { lane.add_to(pass); });
}

}  // namespace

void glm_pass(const Stream&, const GlmPass& pass) {
  with_loss(pass.likelihood, pass.dispersion, [&](const auto& loss) { sum_rows(pass, loss); });
}

void linear_predictor(const Stream&, const GlmPass& pass, std::span<double> mean_z,
                      std::span<double> variance_z) {
  struct Lane {
    Predictor predictor;
    const GlmPass* pass;
    double* mean_z;
    double* variance_z;

    void clear() {}
    void add(std::size_t block) {
      const Rows rows(*pass, block);
      predictor.mean(rows, mean_z + rows.first);
      predictor.variance(rows, variance_z + rows.first);
    }
  };
  sum_in_lanes(
      block_count(pass),
      [&] {
        return Lane{Predictor(pass), &pass, mean_z.data(), variance_z.data()};
      },
      [](const Lane&) {});
}

}  // namespace cpu

namespace {

void check_size(const char* name, std::size_t size, std::size_t expected) {
  if (size == expected) return;
  throw Error(ExitCode::kUsage, "a pass over a GLM's rows was given " + std::to_string(size) +
                                    " elements of " + name + " where " + std::to_string(expected) +
                                    " belong");
}

void check_square(const char* name, MatrixView<const double> matrix, std::size_t d) {
  if (matrix.data == nullptr) return;
  check_size((std::string(name) + "'s rows").c_str(), matrix.rows, d);
  check_size((std::string(name) + "'s columns").c_str(), matrix.cols, d);
}

void check_posterior(const GlmPass& pass) {
  const std::size_t n = pass.rows(), d = pass.cols();
  blas_int(d);
  check_size("the mean", pass.mean.size(), d);
  if (!pass.offset.empty()) check_size("the offset", pass.offset.size(), n);
  if (!pass.variance.empty()) check_size("the variance", pass.variance.size(), d);
  check_square("the inverse factor", pass.inverse_factor, d);
  check_square("the covariance", pass.covariance, d);
  const bool factor = pass.inverse_factor.data != nullptr;
  const bool covariance = pass.covariance.data != nullptr;
  if (int(factor) + int(covariance) + int(!pass.variance.empty()) > 1) {
    throw Error(ExitCode::kUsage, "a pass over a GLM's rows was given more than one spread");
  }
  if (pass.sparse.empty() ? covariance : factor) {
    throw Error(ExitCode::kUsage,
                "a pass over a GLM's rows reads a full covariance as its inverse factor where the "
                "rows are dense, and as itself where they are sparse");
  }
}

void check_pass(const GlmPass& pass) {
  const std::size_t n = pass.rows(), d = pass.cols();
  check_posterior(pass);
  check_size("y", pass.y.size(), n);
  if (!pass.weight.empty()) check_size("the weight", pass.weight.size(), n);
  if (!pass.gradient.empty()) check_size("the gradient", pass.gradient.size(), d);
  if (!pass.curvature.empty() && pass.curvature.size() != d) {
    check_size("the curvature", pass.curvature.size(), packed_size(d));
  }
}

}  // namespace

void glm_pass(const Stream& stream, const GlmPass& pass) {
  check_pass(pass);
  if (!pass.sparse.empty()) return sparse_glm_pass(stream, pass);
  if (pass.x.rows != 0) BAYESUM_DISPATCH(stream, glm_pass(stream, pass));
}

void linear_predictor(const Stream& stream, const GlmPass& pass, std::span<double> mean_z,
                      std::span<double> variance_z) {
  check_posterior(pass);
  check_size("the predictor's mean", mean_z.size(), pass.rows());
  check_size("the predictor's variance", variance_z.size(), pass.rows());
  if (!pass.sparse.empty()) return sparse_linear_predictor(stream, pass, mean_z, variance_z);
  if (pass.x.rows != 0) {
    BAYESUM_DISPATCH(stream, linear_predictor(stream, pass, mean_z, variance_z));
  }
}

}  // namespace bayesum
