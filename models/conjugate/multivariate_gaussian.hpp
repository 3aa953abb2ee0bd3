#pragma once

#include "kernels/buffer.hpp"
#include "models/conjugate/conjugate.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// Rows of numbers with a common mean and precision matrix, exact:
//
//   x_i ~ N(m, Lambda^-1)      Lambda ~ Wishart(degrees + D - 1, inverse scale matrix scale^2 I)
//   m | Lambda ~ N(mean, (strength Lambda)^-1)
//
// The statistics are [sum w / 2, -sum w / 2, X'w, -X'WX / 2 packed]. The density is that of the
// columns before they were standardized.
class MultivariateGaussianModel final : public ConjugateModel {
 public:
  MultivariateGaussianModel(const PriorConfig& prior, const Design& design);

  std::string name() const override { return "multivariate-gaussian"; }
  Support support() const override { return Support::kRealFeatures; }

 private:
  double add_statistics(const Stream& stream, const Batch& batch,
                        std::span<double> statistics) const override;

  double log_density_;           // of a row, but for what depends on theta
  mutable Buffer<double> ones_;  // of a batch without weights
  mutable Buffer<double> gram_;  // X'WX, packed
};

}  // namespace bayesum
