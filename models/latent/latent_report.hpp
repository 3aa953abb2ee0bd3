#pragma once

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "distributed/communicator.hpp"
#include "models/shard_sums.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

class MixturePredictive;
class Topics;

// What models of rows without a response, whose latent variables are what one wants to know, say of
// other rows.

// Is it one of them: gaussian-mixture, lda?
bool has_latent_rows(const TrainedModel& trained);

// What is told of each row, in columns of these names:
//   gaussian-mixture  "component", the number of the most probable; "r1" to "rK", the probability
//                     of each; "log_density", of the columns as they are in the file
//   lda               "topic.k", the expected share of each topic in the document
// Error(kUsage) for another model.
std::vector<std::string> latent_columns(const TrainedModel& trained);
// Row-major, for rows in host memory read through the trained design. Error(kUsage) when they have
// other columns than it.
std::vector<double> latent_rows(const TrainedModel& trained, const Batch& batch);

struct Score {
  std::string name;
  double model = 0;
  double baseline = std::numeric_limits<double>::quiet_NaN();
};

struct LatentScores {
  double rows = 0;
  std::vector<Score> scores;
};

// Scores held-out rows; what it keeps are sums, which add over batches and ranks.
//   gaussian-mixture  mean log predictive density of a row; baseline: the model with one component
//   lda               of document completion, the mean log predictive probability of a token and
//                     the perplexity, e to its negative; the variational bound per token; baseline:
//                     the words' frequencies in the training data (models/latent/topics.hpp)
class LatentEvaluator {
 public:
  // Error(kUsage) for another model. `trained` must outlive it.
  LatentEvaluator(const TrainedModel& trained, std::size_t virtual_shards);

  void add(const Batch& batch);
  // See ShardSums.
  void end_shard() { sums_.end_shard(); }
  void reduce(const Stream& stream, Communicator& communicator) {
    sums_.reduce(stream, communicator);
  }
  // After reduce(). Error(kUsage) when nothing that could be scored has been added.
  LatentScores result() const;

 private:
  void add_rows(const Batch& batch);
  void add_documents(const Batch& batch);

  const TrainedModel& trained_;
  std::shared_ptr<const MixturePredictive> mixture_, one_component_;
  std::shared_ptr<const Topics> topics_;
  std::vector<double> log_frequencies_;  // of words
  ShardSums sums_;
};

}  // namespace bayesum
