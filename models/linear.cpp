#include "models/linear.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/elementwise.hpp"
#include "models/coefficient_prior.hpp"

namespace bayesum {

LinearModel::LinearModel(const PriorConfig& prior, const Design& design, const DataSummary& summary)
    : ConjugateModel(
          normal_gamma_prior(
              prior, coefficient_priors(prior, design,
                                        prior.center_intercept ? summary.response_mean : 0.0)),
          normal_gamma_start(std::vector<double>(design.columns()), 1.0)) {}

void LinearModel::add_statistics(const Stream& stream, const Batch& batch,
                                 std::span<double> statistics) {
  const auto found = statistics_.of(stream, batch, batch.weight, total_weight(stream, batch));
  apply(stream, AddScaled{.scale = 1.0, .x = found.data(), .out = statistics.data()}, found.size());
}

double LinearModel::log_base(const Stream& stream, const Batch& batch) {
  return -0.5 * total_weight(stream, batch) * std::log(2.0 * std::numbers::pi);
}

}  // namespace bayesum
