#include "models/conjugate/gamma_poisson.hpp"

#include <array>

#include "core/families/gamma.hpp"
#include "kernels/column_sums.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gram.hpp"

namespace bayesum {
namespace {

Prior make_prior(const PriorConfig& config, const Family& family) {
  require_proper(config, "gamma-poisson");
  Prior prior;
  for (std::size_t k = 0; k < family.dimension(); ++k) {
    prior.natural.insert(prior.natural.end(), {config.shape - 1.0, -config.rate});
  }
  prior.log_partition = family.log_partition(prior.natural);
  return prior;
}

Posterior make_initial(std::size_t columns) {
  Posterior q;
  q.add_block("rates", make_gamma(columns));
  for (std::size_t k = 0; k < columns; ++k) q.natural()[2 * k + 1] = -1.0;
  return q;
}

}  // namespace

GammaPoissonModel::GammaPoissonModel(const PriorConfig& prior, const Design& design)
    : ConjugateModel(make_prior(prior, *make_gamma(design.columns())),
                     make_initial(design.columns())) {}

double GammaPoissonModel::add_statistics(const Stream& stream, const Batch& batch,
                                         std::span<double> statistics) const {
  const std::size_t columns = batch.x.cols;
  if (sums_.size() != columns || sums_.device() != stream.device()) {
    sums_ = Buffer<double>(stream.device(), columns);
    row_sums_ = Buffer<double>(stream.device(), 2);
  }
  apply(stream, Fill{0.0, sums_.data()}, columns);
  apply(stream, Fill{0.0, row_sums_.data()}, 2);
  weighted_column_sum(stream, batch.x, weights_or_ones(stream, batch, ones_), sums_.span());
  weighted_count_sums(stream, batch.x, batch.weight, batch.offset, row_sums_.span());
  std::array<double, 2> row_sums;
  copy<double>(stream, row_sums_.span(), row_sums);
  stream.synchronize();
  double* const out = statistics.data();
  apply(stream, AddScaled{.scale = 1.0, .x = sums_.data(), .out = out, .out_stride = 2}, columns);
  apply(stream, Fill{.value = -row_sums[0], .out = out + 1, .out_stride = 2}, columns);
  return row_sums[1];
}

}  // namespace bayesum
