#pragma once

#include <span>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/posterior.hpp"
#include "kernels/buffer.hpp"
#include "models/make_model.hpp"
#include "models/regression/coefficient_prior.hpp"

namespace bayesum {

// What regressions with unknown noise share, whatever becomes of the noise of a row:
//
//   y_i ~ N(x_i' beta + offset_i, 1 / (w_i tau))      (beta, tau) ~ Normal-Gamma

// Coefficients N(m_j, sd_j^2 / tau) a priori, tau ~ Gamma(shape, rate). A flat coefficient has no
// factor tau^(1/2) of its own; shape and rate of zero add nothing either.
Prior normal_gamma_prior(const PriorConfig& config,
                         const std::vector<CoefficientPrior>& coefficients);

// One block "coefficients": tau ~ Gamma(1, rate), beta | tau ~ N(mean, I / tau).
Posterior normal_gamma_start(std::span<const double> mean, double rate);

// The statistics of rows in the layout of a Normal-Gamma, for r = y - offset and precisions w of
// the rows in units of tau (empty: ones),
//
//   [count / 2, -r'Wr / 2, X'Wr, -X'WX / 2 packed]
//
// where `count` is how many log tau the rows hold.
class RegressionStatistics {
 public:
  // On the stream's device, valid until the next call.
  std::span<const double> of(const Stream& stream, const Batch& batch,
                             std::span<const double> weight, double count);

 private:
  void reserve(const Stream& stream, std::size_t rows, std::size_t columns);

  Buffer<double> residual_;  // y - offset
  Buffer<double> weighted_;  // w (y - offset)
  Buffer<double> gram_;      // X'WX, packed
  Buffer<double> statistics_;
};

}  // namespace bayesum
