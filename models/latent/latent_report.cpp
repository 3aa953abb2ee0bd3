#include "models/latent/latent_report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>

#include "core/staging.hpp"
#include "kernels/error.hpp"
#include "models/latent/mixture_posterior.hpp"
#include "models/latent/sparse_rows.hpp"
#include "models/latent/topics.hpp"

namespace bayesum {
namespace {

enum Sum : std::size_t {
  kRows,
  kWeight,  // of rows, or of tokens scored by document completion
  kLogDensity,
  kBaselineLogDensity,
  kTokens,  // of whole documents
  kBound,
  kBaselineBound,
  kSums
};

bool is_mixture(const TrainedModel& trained) { return trained.model.name == "gaussian-mixture"; }

void require_latent_rows(const TrainedModel& trained) {
  if (has_latent_rows(trained)) return;
  throw Error(ExitCode::kUsage,
              "the model " + trained.model.name + " has no latent variables of rows to tell of");
}

void require_columns(const TrainedModel& trained, const Batch& batch) {
  const std::size_t columns = batch.sparse.empty() ? batch.x.cols : batch.sparse.cols;
  if (columns == trained.design.columns()) return;
  throw Error(ExitCode::kUsage, "rows of " + std::to_string(columns) +
                                    " columns do not fit a posterior of " +
                                    std::to_string(trained.design.columns()));
}

std::vector<double> rows_of_mixture(const TrainedModel& trained, const Batch& batch) {
  const MixturePredictive predictive(trained);
  const std::size_t n = batch.rows(), k = predictive.count();
  std::vector<double> log_density(n), probability(n * k);
  predictive.evaluate(batch.x, log_density, probability);
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) {
    const auto own = std::span(probability).subspan(i * k, k);
    const auto best = std::ranges::max_element(own) - own.begin();
    rows.push_back(static_cast<double>(best + 1));
    rows.insert(rows.end(), own.begin(), own.end());
    rows.push_back(log_density[i]);
  }
  return rows;
}

std::vector<double> rows_of_topics(const TrainedModel& trained, const Batch& batch) {
  const Topics topics(trained.posterior, trained.model, trained.prior_config);
  std::vector<double> rows = document_posteriors(topics, SparseRows(batch).view());
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    const auto gamma = std::span(rows).subspan(i * topics.count(), topics.count());
    const double total = std::accumulate(gamma.begin(), gamma.end(), 0.0);
    for (double& x : gamma) x /= total;
  }
  return rows;
}

}  // namespace

bool has_latent_rows(const TrainedModel& trained) {
  return is_mixture(trained) || trained.model.name == "lda";
}

std::vector<std::string> latent_columns(const TrainedModel& trained) {
  require_latent_rows(trained);
  const auto& blocks = trained.posterior.blocks();
  std::vector<std::string> columns;
  if (!is_mixture(trained)) {
    for (const Block& block : blocks) columns.push_back(block.name);
    return columns;
  }
  columns.emplace_back("component");
  for (std::size_t k = 1; k < blocks.size(); ++k) {
    columns.push_back(std::string("r").append(std::to_string(k)));
  }
  columns.emplace_back("log_density");
  return columns;
}

std::vector<double> latent_rows(const TrainedModel& trained, const Batch& batch) {
  require_latent_rows(trained);
  require_columns(trained, batch);
  return is_mixture(trained) ? rows_of_mixture(trained, batch) : rows_of_topics(trained, batch);
}

LatentEvaluator::LatentEvaluator(const TrainedModel& trained, std::size_t virtual_shards)
    : trained_(trained), sums_(kSums, virtual_shards) {
  require_latent_rows(trained);
  if (is_mixture(trained)) {
    mixture_ = std::make_shared<MixturePredictive>(trained);
    one_component_ =
        std::make_shared<MixturePredictive>(MixturePredictive::of_one_component(trained));
  } else {
    topics_ = std::make_shared<Topics>(trained.posterior, trained.model, trained.prior_config);
    log_frequencies_ = log_frequencies(trained);
  }
}

void LatentEvaluator::add(const Batch& batch) {
  require_columns(trained_, batch);
  sums_.now()[kRows] += static_cast<double>(batch.rows());
  is_mixture(trained_) ? add_rows(batch) : add_documents(batch);
}

void LatentEvaluator::add_rows(const Batch& batch) {
  const std::span<double> sums = sums_.now();
  std::vector<double> log_density(batch.rows()), baseline(batch.rows());
  mixture_->evaluate(batch.x, log_density, {});
  one_component_->evaluate(batch.x, baseline, {});
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    const double weight = batch.weight.empty() ? 1.0 : batch.weight[i];
    sums[kWeight] += weight;
    sums[kLogDensity] += weight * log_density[i];
    sums[kBaselineLogDensity] += weight * baseline[i];
  }
}

void LatentEvaluator::add_documents(const Batch& batch) {
  const std::span<double> sums = sums_.now();
  const SparseRows documents(batch);
  const DocumentScores scores =
      score_documents(*topics_, log_frequencies_, documents.view(), batch.weight);
  sums[kWeight] += scores.scored_tokens;
  sums[kLogDensity] += scores.log_probability;
  sums[kBaselineLogDensity] += scores.baseline_log_probability;
  sums[kTokens] += scores.tokens;
  sums[kBound] += scores.bound;
  sums[kBaselineBound] += scores.baseline_bound;
}

LatentScores LatentEvaluator::result() const {
  const std::span<const double> sums = sums_.now();
  if (!(sums[kWeight] > 0)) {
    throw Error(ExitCode::kUsage, "there is no row with a weight above zero to score");
  }
  const double model = sums[kLogDensity] / sums[kWeight];
  const double baseline = sums[kBaselineLogDensity] / sums[kWeight];
  LatentScores found{sums[kRows], {}};
  if (is_mixture(trained_)) {
    found.scores = {{"mean log predictive density", model, baseline}};
  } else {
    found.scores = {{"mean log predictive probability of a token", model, baseline},
                    {"perplexity", std::exp(-model), std::exp(-baseline)},
                    {"bound per token of whole documents", sums[kBound] / sums[kTokens],
                     sums[kBaselineBound] / sums[kTokens]}};
  }
  return found;
}

}  // namespace bayesum
