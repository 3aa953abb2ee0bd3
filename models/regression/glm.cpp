#include "models/regression/glm.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/families/gaussian.hpp"
#include "core/families/special.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gemm.hpp"
#include "kernels/glm_point_losses.hpp"
#include "kernels/sparse_algebra.hpp"
#include "models/regression/gaussian_coefficients.hpp"

namespace bayesum {
namespace {

struct Name {
  const char* name;
  Likelihood likelihood;
};

constexpr std::array kNames{Name{"logistic", Likelihood::kLogistic},
                            Name{"probit", Likelihood::kProbit},
                            Name{"poisson", Likelihood::kPoisson},
                            Name{"negative-binomial", Likelihood::kNegativeBinomial}};

bool is_count(Likelihood likelihood) {
  return likelihood == Likelihood::kPoisson || likelihood == Likelihood::kNegativeBinomial;
}

// The link of the baseline, where the intercept starts; half an event where there was none, and
// half a success and half a failure more, keep it finite.
double baseline_link(Likelihood likelihood, const DataSummary& summary) {
  const double weight = std::max(summary.weight, 1.0);
  if (is_count(likelihood)) {
    return std::log(summary.response_rate > 0 ? summary.response_rate : 0.5 / weight);
  }
  const double successes = summary.response_mean * weight;
  if (likelihood == Likelihood::kProbit) {
    return special::normal_quantile((successes + 0.5) / (weight + 1.0));
  }
  return std::log((successes + 0.5) / (weight - successes + 0.5));
}

// Rows first .. first + count - 1 of a sparse matrix.
SparseView row_block(const SparseView& x, std::size_t first, std::size_t count) {
  SparseView block = x;
  block.row_start = x.row_start.subspan(first, count + 1);
  return block;
}

std::span<const double> part(std::span<const double> values, std::size_t first, std::size_t count) {
  return values.empty() ? values : values.subspan(first, count);
}

}  // namespace

std::optional<Likelihood> likelihood_of(const std::string& model_name) {
  const auto found = std::ranges::find(kNames, model_name, &Name::name);
  return found == kNames.end() ? std::nullopt : std::optional(found->likelihood);
}

GlmModel::GlmModel(Likelihood likelihood, const ModelConfig& config, const PriorConfig& prior,
                   const Design& design, const DataSummary& summary)
    : likelihood_(likelihood),
      dispersion_(config.dispersion),
      full_(config.posterior == "full"),
      delta_(config.expectation == "delta"),
      columns_(design.columns()) {
  const auto coefficients = coefficient_priors(prior, design, 0.0);
  set_prior(gaussian_prior(full_, coefficients));
  std::vector<double> mean = prior_means(coefficients);
  if (design.intercept) mean[0] = baseline_link(likelihood, summary);
  initial_ = initial_gaussian(full_, coefficients, mean);
}

std::string GlmModel::name() const {
  return std::ranges::find(kNames, likelihood_, &Name::likelihood)->name;
}

Support GlmModel::support() const {
  return is_count(likelihood_) ? Support::kCount : Support::kBinary;
}

double GlmModel::objective(const Posterior& q, double loss) const {
  return delta_ ? log_joint_at_mean(q, full_, prior(), loss) : elbo(q, prior(), -loss);
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
  const std::vector<double> mean = gaussian_mean(full_, q.natural(), d);
  copy(stream, std::span<const double>(mean), mean_.span());
  copy(stream, std::span<const double>(spread), spread_.span());
  covariance_.clear();
}

void GlmModel::set_spread(GlmPass& pass) {
  if (delta_) return;
  if (!full_) {
    pass.variance = spread_.span();
  } else if (pass.sparse.empty()) {
    pass.inverse_factor = {spread_.data(), columns_, columns_};
  } else {
    if (covariance_.empty()) covariance_ = covariance_of(spread_.span(), columns_);
    pass.covariance = {covariance_.data(), columns_, columns_};
  }
}

void GlmModel::accumulate(const Stream& stream, const Batch& batch, Message& message) {
  GlmPass pass;
  pass.likelihood = likelihood_;
  pass.dispersion = dispersion_;
  pass.x = batch.x;
  pass.sparse = batch.sparse;
  pass.y = batch.y;
  pass.offset = batch.offset;
  pass.weight = batch.weight;
  pass.mean = mean_.span();
  pass.loss = message.loss();
  set_spread(pass);
  if (full_) {
    pass.gradient = message.payload().first(columns_);
    pass.curvature = message.payload().subspan(columns_);
    glm_pass(stream, pass);
    return;
  }
  apply(stream, Fill{.value = 0.0, .out = sums_.data()}, sums_.size());
  pass.gradient = sums_.span().first(columns_);
  pass.curvature = sums_.span().last(columns_);
  glm_pass(stream, pass);
  add_interleaved(stream, sums_.span(), message.payload());
}

void GlmModel::log_likelihood(const Batch& batch, MatrixView<const double> draws,
                              std::span<double> sums) const {
  constexpr std::size_t kRows = 1024;
  std::vector<double> losses(draws.rows), predictor(std::min(kRows, batch.rows()) * draws.rows);
  for (std::size_t first = 0; first < batch.rows(); first += kRows) {
    const std::size_t count = std::min(kRows, batch.rows() - first);
    const MatrixView<double> z(predictor.data(), count, draws.rows);
    if (batch.sparse.empty()) {
      gemm(Stream(), {.transpose_b = Transpose::kYes}, batch.x.row_block(first, count), draws, z);
    } else {
      multiply_transposed(row_block(batch.sparse, first, count), draws, z);
    }
    add_point_losses({.likelihood = likelihood_,
                      .dispersion = dispersion_,
                      .z = z,
                      .y = batch.y.subspan(first, count),
                      .offset = part(batch.offset, first, count),
                      .weight = part(batch.weight, first, count)},
                     losses);
  }
  for (std::size_t s = 0; s < losses.size(); ++s) sums[s] -= losses[s];
}

}  // namespace bayesum
