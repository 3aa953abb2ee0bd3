#include "models/conjugate/multivariate_gaussian.hpp"

#include <algorithm>
#include <array>

#include "core/families/normal_wishart.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gram.hpp"
#include "models/conjugate/gaussian.hpp"

namespace bayesum {
namespace {

NormalWishartMoments prior_of(const PriorConfig& config, std::size_t columns) {
  NormalWishartMoments prior;
  prior.mean.assign(columns, config.mean);
  prior.kappa = config.strength;
  prior.precision.degrees = config.degrees + static_cast<double>(columns) - 1.0;
  prior.precision.rows = columns;
  prior.precision.factor.resize(columns * columns);
  for (std::size_t k = 0; k < columns; ++k) {
    prior.precision.factor[k * columns + k] = config.scale;
  }
  return prior;
}

Prior make_prior(const PriorConfig& config, std::size_t columns) {
  Prior prior{.natural = prior_of(config, columns).to_natural()};
  prior.log_partition = make_normal_wishart(columns)->log_partition(prior.natural);
  return prior;
}

Posterior make_initial(const PriorConfig& config, std::size_t columns) {
  Posterior q;
  q.add_block("rows", make_normal_wishart(columns));
  const auto natural = prior_of(config, columns).to_natural();
  std::ranges::copy(natural, q.natural().begin());
  return q;
}

}  // namespace

MultivariateGaussianModel::MultivariateGaussianModel(const PriorConfig& prior, const Design& design)
    : ConjugateModel(make_prior(prior, design.columns()), make_initial(prior, design.columns())),
      log_density_(gaussian_log_base(design)) {}

double MultivariateGaussianModel::add_statistics(const Stream& stream, const Batch& batch,
                                                 std::span<double> statistics) const {
  const std::size_t columns = batch.x.cols;
  if (gram_.size() != packed_size(columns) || gram_.device() != stream.device()) {
    gram_ = Buffer<double>(stream.device(), packed_size(columns));
  }
  const double weight = total_weight(stream, batch);
  const std::array<double, 2> scalars{0.5 * weight, -0.5 * weight};
  copy(stream, std::span<const double>(scalars), statistics.first(2));
  weighted_column_sum(stream, batch.x, weights_or_ones(stream, batch, ones_),
                      statistics.subspan(2, columns));
  apply(stream, Fill{0.0, gram_.data()}, gram_.size());
  weighted_gram(stream, batch.x, batch.weight, gram_.span());
  apply(stream, AddPackedPrecision{gram_.data(), statistics.subspan(2 + columns).data()},
        gram_.size());
  return weight * log_density_;
}

}  // namespace bayesum
