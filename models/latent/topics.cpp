#include "models/latent/topics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "kernels/gamma.hpp"
#include "kernels/parallel.hpp"

namespace bayesum {
namespace {

// Every second token of each document, in the order of words, and the others.
struct Halves {
  explicit Halves(const SparseView& documents) : cols(documents.cols) {
    for (std::size_t i = 0; i < documents.rows(); ++i) {
      double token = 0;
      for (std::size_t j = documents.row_start[i]; j < documents.row_start[i + 1]; ++j) {
        const double end = token + documents.value[j];
        const double odd = std::floor(end / 2) - std::floor(token / 2);
        column.push_back(documents.column[j]);
        inferring.push_back(odd);
        scored.push_back(documents.value[j] - odd);
        token = end;
      }
      row_start.push_back(column.size());
    }
  }
  SparseView inferring_view() const { return {row_start, column, inferring, cols}; }

  std::size_t cols;
  std::vector<std::size_t> row_start{0};
  std::vector<std::uint32_t> column;
  std::vector<double> inferring, scored;
};

}  // namespace

Topics::Topics(const Posterior& posterior, const ModelConfig& model, const PriorConfig& prior)
    : words_(posterior.blocks().front().family->size()),
      count_(posterior.blocks().size()),
      concentration_(prior.document_concentration),
      tolerance_(model.local_tolerance),
      steps_(static_cast<std::size_t>(model.local_steps)),
      word_topic_(words_ * count_),
      word_scale_(words_),
      probability_(words_ * count_),
      weight_(count_) {
  cpu::parallel_for(count_, [&](std::size_t k) {
    const auto natural = posterior.natural(posterior.blocks()[k]);
    double total = 0;
    for (const double x : natural) total += x + 1.0;
    const double of_total = digamma(total);
    for (std::size_t w = 0; w < words_; ++w) {
      word_topic_[w * count_ + k] = digamma(natural[w] + 1.0) - of_total;
      probability_[w * count_ + k] = (natural[w] + 1.0) / total;
    }
    weight_[k] = total - prior.topic_concentration * static_cast<double>(words_);
  });
  cpu::parallel_for(words_, [&](std::size_t w) {
    const auto row = std::span(word_topic_).subspan(w * count_, count_);
    word_scale_[w] = *std::ranges::max_element(row);
    for (double& x : row) x = std::exp(x - word_scale_[w]);
  });
  const double tokens = std::accumulate(weight_.begin(), weight_.end(), 0.0);
  for (double& x : weight_) x = tokens > 0 ? x / tokens : 0.0;
}

LdaPass Topics::pass(const SparseView& documents) const {
  LdaPass pass;
  pass.documents = documents;
  pass.word_topic = word_topic();
  pass.word_scale = word_scale_;
  pass.concentration = concentration_;
  pass.tolerance = tolerance_;
  pass.steps = steps_;
  return pass;
}

std::vector<double> document_posteriors(const Topics& topics, const SparseView& documents) {
  std::vector<double> gamma(documents.rows() * topics.count());
  LdaPass pass = topics.pass(documents);
  pass.gamma = {gamma.data(), documents.rows(), topics.count()};
  lda_pass(Stream(), pass);
  return gamma;
}

std::vector<double> log_frequencies(const TrainedModel& trained) {
  std::vector<double> frequency;
  for (const double mean : trained.summary.mean) {
    frequency.push_back(trained.summary.weight * mean + trained.prior_config.topic_concentration);
  }
  const double log_total = std::log(std::accumulate(frequency.begin(), frequency.end(), 0.0));
  for (double& x : frequency) x = std::log(x) - log_total;
  return frequency;
}

std::vector<TopicSummary> summarize_topics(const TrainedModel& trained, std::size_t words) {
  const Topics topics(trained.posterior, trained.model, trained.prior_config);
  std::vector<TopicSummary> summaries;
  std::vector<std::size_t> order(topics.words());
  for (std::size_t k = 0; k < topics.count(); ++k) {
    summaries.push_back({trained.posterior.blocks()[k].name, topics.weight(k), {}});
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t shown = std::min(words, order.size());
    const auto last = order.begin() + static_cast<std::ptrdiff_t>(shown);
    std::ranges::partial_sort(order, last, [&](std::size_t a, std::size_t b) {
      const double of_a = topics.probabilities(a)[k], of_b = topics.probabilities(b)[k];
      return of_a != of_b ? of_a > of_b : a < b;
    });
    for (std::size_t i = 0; i < shown; ++i) {
      summaries.back().words.push_back({order[i], topics.probabilities(order[i])[k]});
    }
  }
  std::ranges::stable_sort(summaries, std::greater<>(), &TopicSummary::weight);
  return summaries;
}

DocumentScores score_documents(const Topics& topics, std::span<const double> log_frequencies,
                               const SparseView& documents, std::span<const double> weight) {
  DocumentScores scores;
  LdaPass whole = topics.pass(documents);
  whole.weight = weight;
  whole.loss = &scores.bound;
  lda_pass(Stream(), whole);
  scores.bound = -scores.bound;

  const Halves halves(documents);
  std::vector<double> theta = document_posteriors(topics, halves.inferring_view());
  const std::size_t count = topics.count();
  for (std::size_t i = 0; i < documents.rows(); ++i) {
    const double v = weight.empty() ? 1.0 : weight[i];
    const auto gamma = std::span(theta).subspan(i * count, count);
    const double total = std::accumulate(gamma.begin(), gamma.end(), 0.0);
    for (std::size_t j = documents.row_start[i]; j < documents.row_start[i + 1]; ++j) {
      const std::size_t word = documents.column[j];
      const auto beta = topics.probabilities(word);
      const double p = std::inner_product(gamma.begin(), gamma.end(), beta.begin(), 0.0) / total;
      scores.tokens += v * documents.value[j];
      scores.baseline_bound += v * documents.value[j] * log_frequencies[word];
      scores.scored_tokens += v * halves.scored[j];
      scores.log_probability += v * halves.scored[j] * std::log(p);
      scores.baseline_log_probability += v * halves.scored[j] * log_frequencies[word];
    }
  }
  return scores;
}

}  // namespace bayesum
