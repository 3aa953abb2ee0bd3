#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/posterior.hpp"
#include "kernels/lda_pass.hpp"
#include "models/make_model.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// The topics of latent Dirichlet allocation as its posterior has them, word by word so that a token
// touches neighbouring memory: beta_k ~ Dirichlet(lambda_k), V words, K topics.
class Topics {
 public:
  Topics(const Posterior& posterior, const ModelConfig& model, const PriorConfig& prior);

  std::size_t words() const { return words_; }
  std::size_t count() const { return count_; }
  // The local step of these documents; gamma, counts and loss are left to the caller.
  LdaPass pass(const SparseView& documents) const;
  MatrixView<const double> word_topic() const { return {word_topic_.data(), words_, count_}; }
  double word_scale(std::size_t word) const { return word_scale_[word]; }
  // E[beta_kw] of every topic.
  std::span<const double> probabilities(std::size_t word) const {
    return std::span(probability_).subspan(word * count_, count_);
  }
  double weight(std::size_t topic) const { return weight_[topic]; }  // expected share of the tokens

 private:
  std::size_t words_, count_;
  double concentration_, tolerance_;
  std::size_t steps_;
  std::vector<double> word_topic_;   // V x K: exp(E[log beta_kw] - word_scale_w)
  std::vector<double> word_scale_;   // the largest E[log beta_kw] of a word
  std::vector<double> probability_;  // V x K
  std::vector<double> weight_;
};

// Proportions of topics: theta_i ~ Dirichlet(gamma_i) of every document, gamma n x K row-major.
std::vector<double> document_posteriors(const Topics& topics, const SparseView& documents);

// What a reader sees of a topic: its most probable words.
struct TopicSummary {
  std::string name;   // of its block
  double weight = 0;  // expected share of the tokens
  struct Word {
    std::size_t index = 0;
    double probability = 0;
  };
  std::vector<Word> words;  // most probable first
};
// Those with the largest weight first.
std::vector<TopicSummary> summarize_topics(const TrainedModel& trained, std::size_t words);

// log probabilities of words by their frequencies in the training data, smoothed by the prior.
std::vector<double> log_frequencies(const TrainedModel& trained);

// Document completion: every second token of a document, in the order of words, infers its
// proportions; each of the others, the first one included, is scored by its probability
// sum_k E[theta_k] E[beta_kw]. And the variational bound of whole documents. Both beside the words'
// frequencies in the training data. Sums over documents times their weights.
struct DocumentScores {
  double tokens = 0;          // of whole documents
  double bound = 0;           // on log p(tokens)
  double baseline_bound = 0;  // log p(tokens) by frequencies
  double scored_tokens = 0;   // of document completion
  double log_probability = 0;
  double baseline_log_probability = 0;
};
DocumentScores score_documents(const Topics& topics, std::span<const double> log_frequencies,
                               const SparseView& documents, std::span<const double> weight);

}  // namespace bayesum
