#include "models/regression/linear.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/elementwise.hpp"
#include "models/regression/coefficient_prior.hpp"

namespace bayesum {

LinearModel::LinearModel(const PriorConfig& prior, const Design& design, const DataSummary& summary)
    : ConjugateModel(
          normal_gamma_prior(
              prior, coefficient_priors(prior, design,
                                        prior.center_intercept ? summary.response_mean : 0.0)),
          normal_gamma_start(std::vector<double>(design.columns()), 1.0)) {}

double LinearModel::add_statistics(const Stream& stream, const Batch& batch,
                                   std::span<double> statistics) const {
  const double weight = total_weight(stream, batch);
  const auto found = statistics_.of(stream, batch, batch.weight, weight);
  apply(stream, AddScaled{.scale = 1.0, .x = found.data(), .out = statistics.data()}, found.size());
  return -0.5 * weight * std::log(2.0 * std::numbers::pi);
}

}  // namespace bayesum
