#include "kernels/sparse_glm_pass.hpp"

#include <algorithm>
#include <vector>

#include "kernels/error.hpp"
#include "kernels/glm_likelihood.hpp"
#include "kernels/parallel.hpp"
#include "kernels/sparse_algebra.hpp"

namespace bayesum {
namespace {

using cpu::SparseRow;

double mean_of(const GlmPass& pass, std::size_t i) {
  const SparseRow x(pass.sparse, i);
  double z = pass.offset.empty() ? 0.0 : pass.offset[i];
  for (std::size_t k = 0; k < x.size; ++k) z += x.value[k] * pass.mean[x.column[k]];
  return z;
}

// x' Sigma x, from the lower triangle of Sigma. What rounding may take below zero is zero.
double full_variance(const SparseRow& x, MatrixView<const double> covariance) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size; ++i) {
    const double* const row = covariance.data + x.column[i] * covariance.stride;
    double off_diagonal = 0.0;
    for (std::size_t j = 0; j < i; ++j) off_diagonal += row[x.column[j]] * x.value[j];
    sum += x.value[i] * (2.0 * off_diagonal + row[x.column[i]] * x.value[i]);
  }
  return std::max(sum, 0.0);
}

double variance_of(const GlmPass& pass, std::size_t i) {
  const SparseRow x(pass.sparse, i);
  if (pass.covariance.data != nullptr) return full_variance(x, pass.covariance);
  if (pass.variance.empty()) return 0.0;
  double sum = 0.0;
  for (std::size_t k = 0; k < x.size; ++k) {
    sum += x.value[k] * x.value[k] * pass.variance[x.column[k]];
  }
  return sum;
}

// One thread's sums over the rows of a lane.
template <class Loss>
class SparseLane {
 public:
  SparseLane(const GlmPass& pass, const Loss& loss)
      : pass_(&pass),
        of_row_(loss),
        full_(pass.curvature.size() == packed_size(pass.cols())),
        block_rows_(cpu::sparse_block_rows(pass.cols())),
        gradient_(pass.gradient.size()),
        curvature_(pass.curvature.size()) {}

  void clear() {
    loss_ = 0.0;
    std::ranges::fill(gradient_, 0.0);
    std::ranges::fill(curvature_, 0.0);
  }

  void add(std::size_t block) {
    const std::size_t last = std::min(pass_->rows(), (block + 1) * block_rows_);
    for (std::size_t i = block * block_rows_; i < last; ++i) add_row(i);
  }

  void add_to(const GlmPass& pass) const {
    if (pass.loss != nullptr) *pass.loss += loss_;
    for (std::size_t j = 0; j < gradient_.size(); ++j) pass.gradient[j] += gradient_[j];
    for (std::size_t j = 0; j < curvature_.size(); ++j) pass.curvature[j] += curvature_[j];
  }

 private:
  void add_row(std::size_t i) {
    const SparseRow x(pass_->sparse, i);
    const double weight = pass_->weight.empty() ? 1.0 : pass_->weight[i];
    const GlmExpectation of = weighted(glm_expectation(of_row_, pass_->y[i], mean_of(*pass_, i),
                                                       variance_of(*pass_, i), quadrature_rules()),
                                       weight);
    loss_ += of.loss;
    if (!gradient_.empty()) {
      for (std::size_t k = 0; k < x.size; ++k) gradient_[x.column[k]] += of.gradient * x.value[k];
    }
    if (curvature_.empty()) return;
    if (full_) return cpu::add_outer(x, of.curvature, curvature_.data());
    for (std::size_t k = 0; k < x.size; ++k) {
      curvature_[x.column[k]] += of.curvature * (x.value[k] * x.value[k]);
    }
  }

  const GlmPass* pass_;
  Loss of_row_;
  bool full_;
  std::size_t block_rows_;
  double loss_ = 0.0;
  std::vector<double> gradient_;
  std::vector<double> curvature_;
};

void check_host(const Stream& stream, const GlmPass& pass) {
  if (stream.on_cuda()) {
    throw Error(ExitCode::kUsage, "sparse rows are for the CPU: a GPU takes them dense");
  }
  check_sparse(pass.sparse);
}

}  // namespace

void sparse_glm_pass(const Stream& stream, const GlmPass& pass) {
  check_host(stream, pass);
  const std::size_t rows = cpu::sparse_block_rows(pass.cols());
  with_loss(pass.likelihood, pass.dispersion, [&]<class Loss>(const Loss& loss) {
    cpu::sum_in_lanes((pass.rows() + rows - 1) / rows, [&] { return SparseLane<Loss>(pass, loss); },
                      [&](const SparseLane<Loss>& lane) { lane.add_to(pass); });
  });
}

void sparse_linear_predictor(const Stream& stream, const GlmPass& pass, std::span<double> mean_z,
                             std::span<double> variance_z) {
  check_host(stream, pass);
  cpu::parallel_ranges(pass.rows(), 256, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      mean_z[i] = mean_of(pass, i);
      variance_z[i] = variance_of(pass, i);
    }
  });
}

}  // namespace bayesum
