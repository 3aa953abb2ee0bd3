#pragma once

#include "kernels/buffer.hpp"
#include "models/conjugate/conjugate.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// Columns of numbers, each with its own mean and precision, exact:
//
//   x_ik ~ N(m_k, 1 / tau_k)      tau_k ~ Gamma(shape, rate)
//   m_k | tau_k ~ N(mean, 1 / (strength tau_k))
//
// The statistics of column k are [sum w / 2, -sum w x^2 / 2, sum w x, -sum w / 2]. The density is
// that of the columns before they were standardized.
class GaussianModel final : public ConjugateModel {
 public:
  GaussianModel(const PriorConfig& prior, const Design& design);

  std::string name() const override { return "gaussian"; }
  Support support() const override { return Support::kRealFeatures; }

 private:
  double add_statistics(const Stream& stream, const Batch& batch,
                        std::span<double> statistics) const override;

  double log_density_;              // of a row, but for what depends on theta
  mutable Buffer<double> moments_;  // sums of x, then of x^2
};

// log |d z / d x| of the design's map z = (x - mean) / sd of a row, less D log(2 pi) / 2: what the
// log density of a Gaussian row has beside its parameters.
double gaussian_log_base(const Design& design);

}  // namespace bayesum
