#pragma once

#include <span>

#include "kernels/matrix.hpp"
#include "kernels/sparse.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// Likelihoods of one observation y given the linear predictor z, as negative log-likelihoods.
enum class Likelihood {
  kLogistic,          // y in {0, 1}:    log(1 + e^z) - y z
  kProbit,            // y in {0, 1}:    -log Phi((2 y - 1) z)
  kPoisson,           // y in {0, 1, ..}: e^z - y z + log y!
  kNegativeBinomial,  // likewise, mean e^z and variance e^z + e^2z / dispersion
};

// What a block of rows teaches a Gaussian q = N(m, Sigma) over the coefficients of a GLM: sums of
// loss, gradient and curvature of the negative log-likelihood l, averaged under q. With
// z_i = x_i' m + offset_i and v_i = x_i' Sigma x_i these are one-dimensional expectations under
// N(z_i, v_i):
//   loss      += sum_i w_i E[l_i(z)]
//   gradient  += sum_i w_i E[l_i'(z)] x_i          (d)
//   curvature += sum_i w_i E[l_i''(z)] x_i x_i'    (packed lower triangle, or diagonal d)
// Poisson in closed form, exp(z + v/2); the others by quadrature, with gradient and curvature the
// exact derivatives of the discretised loss, E[l''] = E[(z - mean) l'] / v and its like
// (kernels/glm_expectation.hpp, kernels/probit_loss.hpp). A rate too large for a double is
// infinite, and so are the sums: the caller looks. Khan and Rue (JMLR 24, 2023), section 1.3.
struct GlmPass {
  Likelihood likelihood = Likelihood::kLogistic;
  double dispersion = 1.0;  // of the negative binomial; at most 1e8

  // The block of data, n rows, dense or sparse. Empty offset: zeros. Empty weight: ones.
  MatrixView<const double> x{};
  SparseView sparse{};  // in place of x, on the CPU alone
  std::span<const double> y{};
  std::span<const double> offset{};
  std::span<const double> weight{};

  // The posterior. At most one of the three below gives its spread; none means the delta method,
  // which takes every expectation at the mean. A full Sigma is read as its inverse factor by dense
  // rows, O(d^2) each, and as itself by sparse ones, O(elements^2) each.
  std::span<const double> mean{};             // d
  MatrixView<const double> inverse_factor{};  // d x d lower, L^-1 with Sigma^-1 = L L'
  MatrixView<const double> covariance{};      // d x d, Sigma
  std::span<const double> variance{};         // d: a diagonal Sigma

  // Sums, on the stream's device, added to; each may be left out. A curvature of d elements takes
  // the diagonal alone, one of d (d + 1) / 2 elements the packed lower triangle. (d = 1: both are
  // the same.)
  double* loss = nullptr;
  std::span<double> gradient{};
  std::span<double> curvature{};

  std::size_t rows() const { return sparse.empty() ? x.rows : sparse.rows(); }
  std::size_t cols() const { return sparse.empty() ? x.cols : sparse.cols; }
};

// One pass over the rows, which are read from memory once; sums in fixed row blocks and lanes.
// Throws Error(kUsage) when the sizes do not fit.
void glm_pass(const Stream& stream, const GlmPass& pass);

// The mean and variance of the linear predictor of every row: mean_z[i] = x_i' m + offset_i and
// variance_z[i] = x_i' Sigma x_i. Uses the rows, offset, mean and the spread of `pass`
// alone.
void linear_predictor(const Stream& stream, const GlmPass& pass, std::span<double> mean_z,
                      std::span<double> variance_z);

}  // namespace bayesum
