#pragma once

#include <limits>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "distributed/communicator.hpp"
#include "models/shard_sums.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// One of ten equal bins. Logistic and probit: of the predicted probability, with the means of what
// was predicted and observed in it; softmax: of the probability of the most probable class.
// Otherwise: of the probability integral transform, with the share of
// rows that a calibrated model puts there (0.1) and the share that it did.
struct CalibrationBin {
  double low = 0;
  double high = 0;
  double share = 0;  // of the rows
  double predicted = 0;
  double observed = 0;
};

// Scores of held-out rows; means weighted by the rows' weights.
struct Evaluation {
  double rows = 0;
  double log_density = 0;  // mean log predictive density
  double baseline_log_density = 0;
  // Mean deviance of counts, accuracy of classes, RMSE of numbers.
  double score = 0;
  double baseline_score = 0;
  std::string score_name;
  // Mean of (y - p)^2, of softmax summed over the classes; NaN unless responses are classes.
  double brier = std::numeric_limits<double>::quiet_NaN();
  double baseline_brier = std::numeric_limits<double>::quiet_NaN();
  double coverage50 = 0;  // of central predictive intervals, see Evaluator; NaN for softmax
  double coverage90 = 0;
  // Logistic, probit, softmax: expected calibration error over the bins. Otherwise the largest
  // distance between the distribution of the probability integral transform and the uniform one, at
  // multiples of 0.05.
  double calibration_error = 0;
  std::vector<CalibrationBin> bins;
};

// Scores rows as they are read. What it keeps are sums of virtual shards, which are added over
// ranks in a fixed tree (distributed/sum_tree.hpp): the same scores, bit for bit, for any number of
// ranks.
//
// The probability integral transform of a calibrated model is uniform on [0, 1]. An observation
// with P(Y < y) < P(Y <= y) counts as spread evenly between the two, the mean of the randomized
// transform over its randomness (Czado, Gneiting and Held, "Predictive model assessment for count
// data", Biometrics 65, 2009). The coverage of a central interval is the share of the transform
// inside it.
class Evaluator {
 public:
  // Error(kUsage) for a model without a response. `trained` must outlive it.
  Evaluator(const TrainedModel& trained, std::size_t virtual_shards);

  // Rows of the shard at hand, with a response, in host memory, read through the trained design.
  void add(const Batch& batch);
  // See ShardSums.
  void end_shard() { sums_.end_shard(); }
  void reduce(const Stream& stream, Communicator& communicator) {
    sums_.reduce(stream, communicator);
  }
  // After reduce(). Error(kUsage) when no row, or none with a weight, has been added.
  Evaluation result() const;

 private:
  const TrainedModel& trained_;
  Support support_;
  ShardSums sums_;
};

}  // namespace bayesum
