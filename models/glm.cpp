#include "models/glm.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/diagonal_gaussian.hpp"
#include "core/gaussian.hpp"
#include "kernels/elementwise.hpp"
#include "models/coefficient_prior.hpp"

namespace bayesum {
namespace {

// Precision with which training starts, beside the prior's: narrow enough for e^z to be harmless.
constexpr double kInitialPrecision = 100.0;

// Natural parameters of independent N(mean_j, 1 / precision_j), full or diagonal.
std::vector<double> independent_gaussians(bool full, std::span<const double> mean,
                                          std::span<const double> precision) {
  const std::size_t d = mean.size();
  std::vector<double> natural(full ? Gaussian(d).size() : DiagonalGaussian(d).size());
  for (std::size_t j = 0; j < d; ++j) {
    natural[full ? j : 2 * j] = precision[j] * mean[j];
    natural[full ? d + packed_index(j, j) : 2 * j + 1] = -0.5 * precision[j];
  }
  return natural;
}

Prior make_prior(bool full, const std::vector<CoefficientPrior>& coefficients) {
  std::vector<double> mean;
  std::vector<double> precision;
  double log_partition = 0;
  for (const CoefficientPrior& prior : coefficients) {
    const double s = prior.precision();
    mean.push_back(s == 0 ? 0.0 : prior.mean);
    precision.push_back(s);
    if (s > 0) {
      log_partition += 0.5 * (s * prior.mean * prior.mean + std::log(2.0 * std::numbers::pi / s));
    }
  }
  return {independent_gaussians(full, mean, precision), log_partition};
}

// The link of the baseline, where the intercept starts; half an event where there was none, and
// half a success and half a failure more, keep it finite.
double baseline_link(Likelihood likelihood, const DataSummary& summary) {
  const double weight = std::max(summary.weight, 1.0);
  if (likelihood == Likelihood::kPoisson) {
    return std::log(summary.response_rate > 0 ? summary.response_rate : 0.5 / weight);
  }
  const double successes = summary.response_mean * weight;
  return std::log((successes + 0.5) / (weight - successes + 0.5));
}

Posterior make_initial(bool full, const std::vector<CoefficientPrior>& coefficients,
                       bool has_intercept, double intercept) {
  std::vector<double> mean;
  std::vector<double> precision;
  for (const CoefficientPrior& prior : coefficients) {
    mean.push_back(prior.precision() == 0 ? 0.0 : prior.mean);
    precision.push_back(prior.precision() + kInitialPrecision);
  }
  if (has_intercept) mean[0] = intercept;
  Posterior q;
  const std::size_t d = mean.size();
  q.add_block("coefficients", make_family(full ? "gaussian" : "diagonal-gaussian", d));
  std::ranges::copy(independent_gaussians(full, mean, precision), q.natural().begin());
  return q;
}

std::vector<double> mean_of(bool full, std::span<const double> natural, std::size_t d) {
  if (full) return GaussianMoments::from_natural(natural, d).mean;
  std::vector<double> mean(d);
  for (std::size_t j = 0; j < d; ++j) mean[j] = natural[2 * j] / (-2.0 * natural[2 * j + 1]);
  return mean;
}

}  // namespace

GlmModel::GlmModel(Likelihood likelihood, const ModelConfig& config, const PriorConfig& prior,
                   const Design& design, const DataSummary& summary)
    : likelihood_(likelihood),
      full_(config.posterior == "full"),
      delta_(config.expectation == "delta"),
      columns_(design.columns()) {
  const auto coefficients = coefficient_priors(prior, design, 0.0);
  set_prior(make_prior(full_, coefficients));
  initial_ =
      make_initial(full_, coefficients, design.intercept, baseline_link(likelihood, summary));
}

std::string GlmModel::name() const {
  return likelihood_ == Likelihood::kLogistic ? "logistic" : "poisson";
}

Support GlmModel::support() const {
  return likelihood_ == Likelihood::kLogistic ? Support::kBinary : Support::kCount;
}

double GlmModel::objective(const Posterior& q, double loss) const {
  if (!delta_) return elbo(q, prior(), -loss);
  const Family& family = *q.blocks().front().family;
  std::vector<double> statistic(q.size());
  family.sufficient_statistic(mean_of(full_, q.natural(), columns_), statistic);
  return std::inner_product(statistic.begin(), statistic.end(), prior().natural.begin(),
                            -loss - prior().log_partition);
}

void GlmModel::prepare(const Stream& stream, const Posterior& q) {
  const std::size_t d = columns_;
  if (mean_.size() != d || mean_.device() != stream.device()) {
    mean_ = Buffer<double>(stream.device(), d);
    spread_ = Buffer<double>(stream.device(), full_ ? d * d : d);
    sums_ = Buffer<double>(stream.device(), full_ ? 0 : 2 * d);
  }
  std::vector<double> spread(d);
  if (full_) {
    spread = GaussianMoments::from_natural(q.natural(), d).inverse_factor();
  } else {
    for (std::size_t j = 0; j < d; ++j) spread[j] = 1.0 / (-2.0 * q.natural()[2 * j + 1]);
  }
  const std::vector<double> mean = mean_of(full_, q.natural(), d);
  copy(stream, std::span<const double>(mean), mean_.span());
  copy(stream, std::span<const double>(spread), spread_.span());
}

void GlmModel::accumulate(const Stream& stream, const Batch& batch, Message& message) {
  GlmPass pass{.likelihood = likelihood_,
               .x = batch.x,
               .y = batch.y,
               .offset = batch.offset,
               .weight = batch.weight,
               .mean = mean_.span(),
               .inverse_factor = {},
               .variance = {},
               .loss = message.loss(),
               .gradient = {},
               .curvature = {}};
  if (!full_) return accumulate_diagonal(stream, pass, message.payload());
  if (!delta_) pass.inverse_factor = {spread_.data(), columns_, columns_};
  pass.gradient = message.payload().first(columns_);
  pass.curvature = message.payload().subspan(columns_);
  glm_pass(stream, pass);
}

void GlmModel::accumulate_diagonal(const Stream& stream, GlmPass pass, std::span<double> payload) {
  apply(stream, Fill{.value = 0.0, .out = sums_.data()}, sums_.size());
  if (!delta_) pass.variance = spread_.span();
  pass.gradient = sums_.span().first(columns_);
  pass.curvature = sums_.span().last(columns_);
  glm_pass(stream, pass);
  for (std::size_t part = 0; part < 2; ++part) {
    apply(stream,
          AddScaled{.scale = 1.0,
                    .x = sums_.data() + part * columns_,
                    .out = payload.data() + part,
                    .out_stride = 2},
          columns_);
  }
}

}  // namespace bayesum
