#pragma once

#include "kernels/buffer.hpp"
#include "models/conjugate/conjugate.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// Columns of counts, each with its own rate, exact:
//
//   x_ik ~ Poisson(r_k e^offset_i)      r_k ~ Gamma(shape, rate)
//
// The statistics of column k are [sum_i w_i x_ik, -sum_i w_i e^offset_i].
class GammaPoissonModel final : public ConjugateModel {
 public:
  GammaPoissonModel(const PriorConfig& prior, const Design& design);

  std::string name() const override { return "gamma-poisson"; }
  Support support() const override { return Support::kCountFeatures; }

 private:
  double add_statistics(const Stream& stream, const Batch& batch,
                        std::span<double> statistics) const override;

  mutable Buffer<double> ones_;  // of a batch without weights
  mutable Buffer<double> sums_;  // of counts, of each column
  mutable Buffer<double> row_sums_;
};

}  // namespace bayesum
