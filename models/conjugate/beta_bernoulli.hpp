#pragma once

#include "kernels/buffer.hpp"
#include "models/conjugate/conjugate.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// Binary columns, each with its own probability, exact:
//
//   x_ik ~ Bernoulli(p_k)      p_k ~ Beta(alpha, beta)
//
// The statistics of column k are [sum_i w_i x_ik, sum_i w_i (1 - x_ik)].
class BetaBernoulliModel final : public ConjugateModel {
 public:
  BetaBernoulliModel(const PriorConfig& prior, const Design& design);

  std::string name() const override { return "beta-bernoulli"; }
  Support support() const override { return Support::kBinaryFeatures; }

 private:
  double add_statistics(const Stream& stream, const Batch& batch,
                        std::span<double> statistics) const override;

  mutable Buffer<double> ones_;  // of a batch without weights
  mutable Buffer<double> successes_;
};

}  // namespace bayesum
