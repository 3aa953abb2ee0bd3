#include "models/linear.hpp"

#include <cmath>
#include <numbers>

#include "core/normal_gamma.hpp"
#include "core/special.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gram.hpp"
#include "kernels/reduce.hpp"
#include "kernels/sparse_algebra.hpp"
#include "models/coefficient_prior.hpp"

namespace bayesum {
namespace {

// Coefficients N(m_j, sd_j^2 / tau) a priori, tau ~ Gamma(shape, rate). A flat coefficient has no
// factor tau^(1/2) of its own; shape and rate of zero add nothing either.
Prior make_prior(const PriorConfig& config, const std::vector<CoefficientPrior>& coefficients) {
  const std::size_t d = coefficients.size();
  Prior prior{.natural = std::vector<double>(NormalGamma(d).size())};
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

Posterior make_initial(std::size_t d) {
  Posterior q;
  q.add_block("coefficients", std::make_shared<NormalGamma>(d));
  q.natural()[0] = 0.5 * static_cast<double>(d);
  q.natural()[1] = -1.0;
  for (std::size_t j = 0; j < d; ++j) q.natural()[2 + d + packed_index(j, j)] = -0.5;
  return q;
}

}  // namespace

LinearModel::LinearModel(const PriorConfig& prior, const Design& design, const DataSummary& summary)
    : ConjugateModel(make_prior(prior, coefficient_priors(
                                           prior, design,
                                           prior.center_intercept ? summary.response_mean : 0.0)),
                     make_initial(design.columns())) {}

void LinearModel::reserve(const Stream& stream, std::size_t rows, std::size_t columns) const {
  if (residual_.size() < rows || residual_.device() != stream.device()) {
    residual_ = Buffer<double>(stream.device(), rows);
    weighted_ = Buffer<double>(stream.device(), rows);
    gram_ = Buffer<double>(stream.device(), packed_size(columns));
  }
}

double LinearModel::add_statistics(const Stream& stream, const Batch& batch,
                                   std::span<double> statistics) const {
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
  if (batch.weight.empty()) {
    copy<double>(stream, residual, weighted);
  } else {
    apply(stream, Multiply{batch.weight.data(), residual.data(), weighted.data()}, n);
  }

  const double weight = total_weight(stream, batch);
  const double squares = dot(stream, residual, weighted);
  const std::array<double, 2> scalars{0.5 * weight, -0.5 * squares};
  copy(stream, std::span<const double>(scalars), statistics.first(2));
  apply(stream, Fill{0.0, gram_.data()}, gram_.size());
  if (sparse) {
    weighted_column_sum(batch.sparse, weighted, statistics.subspan(2, d));
    weighted_gram(batch.sparse, batch.weight, gram_.span());
  } else {
    weighted_column_sum(stream, batch.x, weighted, statistics.subspan(2, d));
    weighted_gram(stream, batch.x, batch.weight, gram_.span());
  }
  apply(stream, AddPackedPrecision{gram_.data(), statistics.subspan(2 + d).data()}, gram_.size());
  return -0.5 * weight * std::log(2.0 * std::numbers::pi);
}

}  // namespace bayesum
