#include "models/conjugate/beta_bernoulli.hpp"

#include "core/families/beta.hpp"
#include "core/families/special.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gram.hpp"

namespace bayesum {
namespace {

Prior make_prior(const PriorConfig& config, std::size_t columns) {
  Prior prior;
  for (std::size_t k = 0; k < columns; ++k) {
    prior.natural.insert(prior.natural.end(), {config.alpha - 1.0, config.beta - 1.0});
  }
  prior.log_partition = static_cast<double>(columns) * special::log_beta(config.alpha, config.beta);
  return prior;
}

Posterior make_initial(std::size_t columns) {
  Posterior q;
  q.add_block("probabilities", make_beta(columns));
  return q;
}

}  // namespace

BetaBernoulliModel::BetaBernoulliModel(const PriorConfig& prior, const Design& design)
    : ConjugateModel(make_prior(prior, design.columns()), make_initial(design.columns())) {}

double BetaBernoulliModel::add_statistics(const Stream& stream, const Batch& batch,
                                          std::span<double> statistics) const {
  const std::size_t columns = batch.x.cols;
  if (successes_.size() != columns || successes_.device() != stream.device()) {
    successes_ = Buffer<double>(stream.device(), columns);
  }
  apply(stream, Fill{0.0, successes_.data()}, columns);
  weighted_column_sum(stream, batch.x, weights_or_ones(stream, batch, ones_), successes_.span());

  double* counts = statistics.data();
  apply(stream, Fill{.value = total_weight(stream, batch), .out = counts + 1, .out_stride = 2},
        columns);
  apply(stream, AddScaled{.scale = -1, .x = successes_.data(), .out = counts + 1, .out_stride = 2},
        columns);
  apply(stream, AddScaled{.scale = 1, .x = successes_.data(), .out = counts, .out_stride = 2},
        columns);
  return 0.0;
}

}  // namespace bayesum
