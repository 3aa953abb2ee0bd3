#pragma once

#include <limits>
#include <string>
#include <vector>

#include "core/dataset.hpp"
#include "distributed/communicator.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// One of ten equal bins. Logistic: of the predicted probability, with the means of what was
// predicted and observed in it. Otherwise: of the probability integral transform, with the share of
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
  double error = 0;  // mean deviance (poisson), accuracy (logistic), RMSE (linear)
  double baseline_error = 0;
  std::string error_name;
  // Mean of (y - p)^2; NaN unless logistic.
  double brier = std::numeric_limits<double>::quiet_NaN();
  double baseline_brier = std::numeric_limits<double>::quiet_NaN();
  double coverage50 = 0;  // of central predictive intervals; see Evaluator
  double coverage90 = 0;
  // Logistic: expected calibration error over the bins. Otherwise the largest distance between the
  // distribution of the probability integral transform and the uniform one, at multiples of 0.05.
  double calibration_error = 0;
  std::vector<CalibrationBin> bins;
};

// Scores rows as they are read; what it keeps are sums, which add over batches and ranks.
//
// The probability integral transform of a calibrated model is uniform on [0, 1]. An observation
// with P(Y < y) < P(Y <= y) counts as spread evenly between the two, the mean of the randomized
// transform over its randomness (Czado, Gneiting and Held, "Predictive model assessment for count
// data", Biometrics 65, 2009). The coverage of a central interval is the share of the transform
// inside it.
class Evaluator {
 public:
  // Error(kUsage) for a model without a response. `trained` must outlive it.
  explicit Evaluator(const TrainedModel& trained);

  // Rows with a response, in host memory, read through the trained design.
  void add(const Batch& batch);
  // Collective: replaces every rank's sums by the sums over ranks.
  void reduce(const Stream& stream, Communicator& communicator);
  // Error(kUsage) when no row, or none with a weight, has been added.
  Evaluation result() const;

 private:
  const TrainedModel& trained_;
  Support support_;
  std::vector<double> sums_;
};

}  // namespace bayesum
