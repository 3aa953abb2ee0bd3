#include "models/regression/normal_gamma_regression.hpp"

#include <array>
#include <cmath>
#include <numbers>

#include "core/families/normal_gamma.hpp"
#include "core/families/special.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gram.hpp"
#include "kernels/reduce.hpp"
#include "kernels/sparse_algebra.hpp"

namespace bayesum {

Prior normal_gamma_prior(const PriorConfig& config,
                         const std::vector<CoefficientPrior>& coefficients) {
  const std::size_t d = coefficients.size();
  Prior prior{.natural = std::vector<double>(make_normal_gamma(d)->size())};
  prior.natural[0] = config.shape - 1.0;
  prior.natural[1] = -config.rate;
  for (std::size_t j = 0; j < d; ++j) {
    const double precision = coefficients[j].precision();
    if (precision == 0) continue;
    const double mean = coefficients[j].mean;
    prior.natural[0] += 0.5;
    prior.natural[1] -= 0.5 * precision * mean * mean;
    prior.natural[2 + j] = precision * mean;
    prior.natural[2 + d + packed_index(j, j)] = -0.5 * precision;
    prior.log_partition += 0.5 * std::log(2.0 * std::numbers::pi / precision);
  }
  if (config.shape > 0 && config.rate > 0) {
    prior.log_partition += special::log_gamma(config.shape) - config.shape * std::log(config.rate);
  }
  return prior;
}

Posterior normal_gamma_start(std::span<const double> mean, double rate) {
  const std::size_t d = mean.size();
  Posterior q;
  q.add_block("coefficients", make_normal_gamma(d));
  q.natural()[0] = 0.5 * static_cast<double>(d);
  q.natural()[1] = -rate;
  for (std::size_t j = 0; j < d; ++j) {
    q.natural()[1] -= 0.5 * mean[j] * mean[j];
    q.natural()[2 + j] = mean[j];
    q.natural()[2 + d + packed_index(j, j)] = -0.5;
  }
  return q;
}

void RegressionStatistics::reserve(const Stream& stream, std::size_t rows, std::size_t columns) {
  if (residual_.size() < rows || residual_.device() != stream.device()) {
    residual_ = Buffer<double>(stream.device(), rows);
    weighted_ = Buffer<double>(stream.device(), rows);
    gram_ = Buffer<double>(stream.device(), packed_size(columns));
    statistics_ = Buffer<double>(stream.device(), make_normal_gamma(columns)->size());
  }
}

std::span<const double> RegressionStatistics::of(const Stream& stream, const Batch& batch,
                                                 std::span<const double> weight, double count) {
  const std::size_t n = batch.rows();
  const bool sparse = !batch.sparse.empty();
  const std::size_t d = sparse ? batch.sparse.cols : batch.x.cols;
  reserve(stream, n, d);

  const std::span<double> residual = residual_.span().first(n);
  const std::span<double> weighted = weighted_.span().first(n);
  copy(stream, batch.y, residual);
  if (!batch.offset.empty()) {
    apply(stream, AddScaled{.scale = -1.0, .x = batch.offset.data(), .out = residual.data()}, n);
  }
  if (weight.empty()) {
    copy<double>(stream, residual, weighted);
  } else {
    apply(stream, Multiply{weight.data(), residual.data(), weighted.data()}, n);
  }

  const std::span<double> statistics = statistics_.span();
  apply(stream, Fill{0.0, statistics.data()}, statistics.size());
  const std::array<double, 2> scalars{0.5 * count, -0.5 * dot(stream, residual, weighted)};
  copy(stream, std::span<const double>(scalars), statistics.first(2));
  apply(stream, Fill{0.0, gram_.data()}, gram_.size());
  if (sparse) {
    weighted_column_sum(batch.sparse, weighted, statistics.subspan(2, d));
    weighted_gram(batch.sparse, weight, gram_.span());
  } else {
    weighted_column_sum(stream, batch.x, weighted, statistics.subspan(2, d));
    weighted_gram(stream, batch.x, weight, gram_.span());
  }
  apply(stream, AddPackedPrecision{gram_.data(), statistics.subspan(2 + d).data()}, gram_.size());
  return statistics;
}

}  // namespace bayesum
