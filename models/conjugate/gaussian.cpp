#include "models/conjugate/gaussian.hpp"

#include <cmath>
#include <numbers>

#include "core/families/diagonal_normal_gamma.hpp"
#include "kernels/column_sums.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

Prior make_prior(const PriorConfig& config, const Family& family) {
  require_proper(config, "gaussian");
  Prior prior;
  const double kappa = config.strength;
  for (std::size_t k = 0; k < family.size() / family.unit(); ++k) {
    prior.natural.insert(
        prior.natural.end(),
        {config.shape - 0.5, -config.rate - 0.5 * kappa * config.mean * config.mean,
         kappa * config.mean, -0.5 * kappa});
  }
  prior.log_partition = family.log_partition(prior.natural);
  return prior;
}

Posterior make_initial(std::size_t columns) {
  Posterior q;
  q.add_block("columns", make_diagonal_normal_gamma(2 * columns));
  const auto natural = q.natural();
  for (std::size_t i = 0; i < natural.size(); i += 4) {
    natural[i] = 0.5;
    natural[i + 1] = -1.0;
    natural[i + 3] = -0.5;
  }
  return q;
}

}  // namespace

double gaussian_log_base(const Design& design) {
  double sum = 0;
  for (const double sd : design.sd) sum -= std::log(sd) + 0.5 * std::log(2.0 * std::numbers::pi);
  return sum;
}

GaussianModel::GaussianModel(const PriorConfig& prior, const Design& design)
    : ConjugateModel(make_prior(prior, *make_diagonal_normal_gamma(2 * design.columns())),
                     make_initial(design.columns())),
      log_density_(gaussian_log_base(design)) {}

double GaussianModel::add_statistics(const Stream& stream, const Batch& batch,
                                     std::span<double> statistics) const {
  const std::size_t columns = batch.x.cols;
  if (moments_.size() != 2 * columns || moments_.device() != stream.device()) {
    moments_ = Buffer<double>(stream.device(), 2 * columns);
  }
  apply(stream, Fill{0.0, moments_.data()}, moments_.size());
  weighted_column_moments(stream, batch.x, batch.weight, moments_.span().first(columns),
                          moments_.span().last(columns));
  const double weight = total_weight(stream, batch);
  double* const out = statistics.data();
  apply(stream, Fill{.value = 0.5 * weight, .out = out, .out_stride = 4}, columns);
  apply(stream, Fill{.value = -0.5 * weight, .out = out + 3, .out_stride = 4}, columns);
  apply(stream, AddScaled{.scale = 1.0, .x = moments_.data(), .out = out + 2, .out_stride = 4},
        columns);
  apply(stream,
        AddScaled{.scale = -0.5, .x = moments_.data() + columns, .out = out + 1, .out_stride = 4},
        columns);
  return weight * log_density_;
}

}  // namespace bayesum
