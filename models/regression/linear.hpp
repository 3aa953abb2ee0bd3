#pragma once

#include "models/conjugate/conjugate.hpp"
#include "models/make_model.hpp"
#include "models/regression/normal_gamma_regression.hpp"

namespace bayesum {

// Linear regression with unknown noise, exact:
//
//   y_i ~ N(x_i' beta + offset_i, 1 / (w_i tau))      (beta, tau) ~ Normal-Gamma
//
// up to the weights' own normalisation: a weight multiplies the row's log-likelihood. With
// r = y - offset the statistics are [sum w / 2, -r'Wr / 2, X'Wr, -X'WX / 2 packed].
class LinearModel final : public ConjugateModel {
 public:
  LinearModel(const PriorConfig& prior, const Design& design, const DataSummary& summary);

  std::string name() const override { return "linear"; }
  Support support() const override { return Support::kReal; }
  bool takes_sparse() const override { return true; }

 private:
  double add_statistics(const Stream& stream, const Batch& batch,
                        std::span<double> statistics) const override;

  mutable RegressionStatistics statistics_;
};

}  // namespace bayesum
