#include "models/regression/student_t.hpp"

#include <cmath>

#include "core/families/gaussian.hpp"
#include "core/families/normal_gamma.hpp"
#include "core/families/special.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/glm_pass.hpp"
#include "kernels/reduce.hpp"
#include "models/conjugate/conjugate.hpp"
#include "models/predictive_distribution.hpp"
#include "models/regression/coefficient_prior.hpp"

namespace bayesum {
namespace {

std::vector<CoefficientPrior> priors_of(const PriorConfig& prior, const Design& design,
                                        const DataSummary& summary) {
  return coefficient_priors(prior, design, prior.center_intercept ? summary.response_mean : 0.0);
}

// The baseline: no slopes, and noise as wide as the response.
Posterior start(const Design& design, const DataSummary& summary) {
  std::vector<double> mean(design.columns());
  if (design.intercept) mean[0] = summary.response_mean;
  const double variance = summary.response_sd * summary.response_sd;
  return normal_gamma_start(mean, variance > 0 ? variance : 1.0);
}

}  // namespace

StudentTModel::StudentTModel(const ModelConfig& config, const PriorConfig& prior,
                             const Design& design, const DataSummary& summary)
    : LatentModel(normal_gamma_prior(prior, priors_of(prior, design, summary)),
                  start(design, summary)),
      degrees_of_freedom_(config.degrees_of_freedom),
      columns_(design.columns()) {}

void StudentTModel::prepare(const Stream& stream, const Posterior& q) {
  if (mean_.size() != columns_ || mean_.device() != stream.device()) {
    mean_ = Buffer<double>(stream.device(), columns_);
    inverse_factor_ = Buffer<double>(stream.device(), columns_ * columns_);
  }
  const auto moments = NormalGammaMoments::from_natural(q.natural(), columns_);
  const auto inverse_factor = GaussianMoments{moments.mean, moments.factor}.inverse_factor();
  copy(stream, std::span<const double>(moments.mean), mean_.span());
  copy(stream, std::span<const double>(inverse_factor), inverse_factor_.span());
  precision_ = moments.a / moments.b;
  row_log_density_ = 0.5 * (special::digamma(moments.a) - std::log(moments.b)) +
                     student_t_log_mode(degrees_of_freedom_);
}

void StudentTModel::reserve(const Stream& stream, std::size_t rows) {
  if (weight_.size() >= rows && weight_.device() == stream.device()) return;
  for (Buffer<double>* buffer : {&predictor_, &spread_, &weight_, &loss_}) {
    *buffer = Buffer<double>(stream.device(), rows);
  }
}

void StudentTModel::accumulate(const Stream& stream, const Batch& batch, Message& message) {
  const std::size_t n = batch.rows();
  reserve(stream, n);
  GlmPass pass;
  pass.x = batch.x;
  pass.offset = batch.offset;
  pass.mean = mean_.span();
  pass.inverse_factor = {inverse_factor_.data(), columns_, columns_};
  linear_predictor(stream, pass, predictor_.span().first(n), spread_.span().first(n));
  apply(stream,
        StudentTWeight{.inverse_degrees = 1.0 / degrees_of_freedom_,
                       .precision = precision_,
                       .y = batch.y.data(),
                       .predictor = predictor_.data(),
                       .spread = spread_.data(),
                       .row_weight = batch.weight.data(),
                       .weight = weight_.data(),
                       .loss = loss_.data()},
        n);

  const double rows = total_weight(stream, batch);
  const auto statistics = statistics_.of(stream, batch, weight_.span().first(n), rows);
  apply(stream, AddScaled{.scale = 1.0, .x = statistics.data(), .out = message.payload().data()},
        statistics.size());
  message.count(stream, Message::kLoss,
                sum(stream, std::as_const(loss_).span().first(n)) - rows * row_log_density_);
}

// log t_nu((y - z) sqrt(tau)) + log(tau) / 2
void StudentTModel::log_likelihood(const Batch& batch, MatrixView<const double> draws,
                                   std::span<double> sums) const {
  const Stream host;
  const std::size_t n = batch.rows();
  std::vector<double> predictor(n), nothing(n), weight(n), loss(n);
  const double rows = total_weight(host, batch);
  for (std::size_t s = 0; s < draws.rows; ++s) {
    const double* const theta = draws.data + s * draws.stride;
    const double tau = theta[columns_];
    GlmPass pass;
    pass.x = batch.x;
    pass.offset = batch.offset;
    pass.mean = {theta, columns_};
    linear_predictor(host, pass, predictor, nothing);
    apply(host,
          StudentTWeight{.inverse_degrees = 1.0 / degrees_of_freedom_,
                         .precision = tau,
                         .y = batch.y.data(),
                         .predictor = predictor.data(),
                         .spread = nothing.data(),
                         .row_weight = batch.weight.data(),
                         .weight = weight.data(),
                         .loss = loss.data()},
          n);
    sums[s] +=
        rows * (student_t_log_mode(degrees_of_freedom_) + 0.5 * std::log(tau)) - sum(host, loss);
  }
}

}  // namespace bayesum
