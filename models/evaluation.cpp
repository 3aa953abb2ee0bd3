#include "models/evaluation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "core/staging.hpp"
#include "kernels/error.hpp"
#include "models/prediction.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kBins = 10;
constexpr std::size_t kEdges =
    20;  // of the transform's distribution function, at multiples of 0.05

// Where each sum lies. Means are divided by kWeight at the end.
enum Sum : std::size_t {
  kRows,
  kWeight,
  kLogDensity,
  kBaselineLogDensity,
  kError,
  kBaselineError,
  kBrier,
  kBaselineBrier,
  kBinWeight,
  kBinPredicted = kBinWeight + kBins,
  kBinObserved = kBinPredicted + kBins,
  kTransform = kBinObserved + kBins,  // at edge i / 20, the share of [P(Y < y), P(Y <= y)] below
  kSums = kTransform + kEdges + 1
};

// Twice the log-likelihood ratio of the saturated model and Poisson(mean).
double poisson_deviance(double y, double mean) {
  return 2.0 * ((y > 0 ? y * std::log(y / mean) : 0.0) - (y - mean));
}

double error_of(Support support, double y, const Prediction& prediction) {
  switch (support) {
    case Support::kBinary:
      return (prediction.mean >= 0.5) == (y > 0.5) ? 1.0 : 0.0;
    case Support::kCount:
      return poisson_deviance(y, prediction.mean);
    default:
      return (y - prediction.mean) * (y - prediction.mean);
  }
}

std::string error_name(Support support) {
  switch (support) {
    case Support::kBinary:
      return "accuracy";
    case Support::kCount:
      return "deviance";
    default:
      return "RMSE";
  }
}

double share_below(double edge, const Prediction& prediction) {
  const double width = prediction.cdf - prediction.cdf_below;
  if (!(width > 0)) return prediction.cdf <= edge ? 1.0 : 0.0;
  return std::clamp((edge - prediction.cdf_below) / width, 0.0, 1.0);
}

void add_row(Support support, double weight, double y, const Prediction& prediction,
             const Prediction& baseline, std::span<double> sums) {
  if (weight == 0) return;
  sums[kWeight] += weight;
  sums[kLogDensity] += weight * prediction.log_density;
  sums[kBaselineLogDensity] += weight * baseline.log_density;
  sums[kError] += weight * error_of(support, y, prediction);
  sums[kBaselineError] += weight * error_of(support, y, baseline);
  for (std::size_t i = 0; i <= kEdges; ++i) {
    const double edge = static_cast<double>(i) / kEdges;
    sums[kTransform + i] += weight * share_below(edge, prediction);
  }
  if (support != Support::kBinary) return;
  sums[kBrier] += weight * (y - prediction.mean) * (y - prediction.mean);
  sums[kBaselineBrier] += weight * (y - baseline.mean) * (y - baseline.mean);
  const auto bin = std::min(kBins - 1, static_cast<std::size_t>(prediction.mean * kBins));
  sums[kBinWeight + bin] += weight;
  sums[kBinPredicted + bin] += weight * prediction.mean;
  sums[kBinObserved + bin] += weight * y;
}

// Of what was predicted, for binary responses.
std::vector<CalibrationBin> reliability(std::span<const double> sums) {
  std::vector<CalibrationBin> bins(kBins);
  for (std::size_t i = 0; i < kBins; ++i) {
    const double weight = sums[kBinWeight + i];
    bins[i].share = weight / sums[kWeight];
    if (weight == 0) continue;
    bins[i].predicted = sums[kBinPredicted + i] / weight;
    bins[i].observed = sums[kBinObserved + i] / weight;
  }
  return bins;
}

// Of the transform, whose distribution function at edge i / 20 is `transform[i]`.
std::vector<CalibrationBin> histogram(std::span<const double> transform) {
  constexpr std::size_t kEdgesPerBin = kEdges / kBins;
  std::vector<CalibrationBin> bins(kBins);
  for (std::size_t i = 0; i < kBins; ++i) {
    const double below = i == 0 ? 0.0 : transform[kEdgesPerBin * i];
    bins[i].share = transform[kEdgesPerBin * (i + 1)] - below;
    bins[i].predicted = 1.0 / kBins;
    bins[i].observed = bins[i].share;
  }
  return bins;
}

double expected_calibration_error(std::span<const CalibrationBin> bins) {
  double sum = 0;
  for (const auto& bin : bins) sum += bin.share * std::abs(bin.predicted - bin.observed);
  return sum;
}

double distance_from_uniform(std::span<const double> transform) {
  double largest = 0;
  for (std::size_t i = 0; i <= kEdges; ++i) {
    largest = std::max(largest, std::abs(transform[i] - static_cast<double>(i) / kEdges));
  }
  return largest;
}

void calibrate(Support support, std::span<const double> sums, Evaluation& evaluation) {
  std::array<double, kEdges + 1> transform;
  for (std::size_t i = 0; i <= kEdges; ++i) transform[i] = sums[kTransform + i] / sums[kWeight];
  evaluation.coverage50 = transform[15] - transform[5];
  evaluation.coverage90 = transform[19] - transform[1];
  const bool binary = support == Support::kBinary;
  evaluation.bins = binary ? reliability(sums) : histogram(transform);
  for (std::size_t i = 0; i < kBins; ++i) {
    evaluation.bins[i].low = static_cast<double>(i) / kBins;
    evaluation.bins[i].high = static_cast<double>(i + 1) / kBins;
  }
  evaluation.calibration_error =
      binary ? expected_calibration_error(evaluation.bins) : distance_from_uniform(transform);
}

}  // namespace

Evaluator::Evaluator(const TrainedModel& trained)
    : trained_(trained), support_(support_of(trained.model.name)), sums_(kSums) {
  if (!has_response(support_)) {
    throw Error(ExitCode::kUsage,
                "a " + trained.model.name + " model predicts no response that could be scored");
  }
}

void Evaluator::add(const Batch& batch) {
  const auto predictions = predict(trained_, batch);
  const auto baselines = predict_baseline(trained_, batch);
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    const double weight = batch.weight.empty() ? 1.0 : batch.weight[i];
    add_row(support_, weight, batch.y[i], predictions[i], baselines[i], sums_);
  }
  sums_[kRows] += static_cast<double>(batch.rows());
}

void Evaluator::reduce(const Stream& stream, Communicator& communicator) {
  on_wire(stream, communicator, std::span(sums_),
          [&](const Stream& wire, auto payload) { communicator.all_reduce(wire, payload); });
}

Evaluation Evaluator::result() const {
  const double weight = sums_[kWeight];
  if (!(weight > 0)) {
    throw Error(ExitCode::kUsage, "there is no row with a weight above zero to score");
  }
  Evaluation evaluation;
  evaluation.rows = sums_[kRows];
  evaluation.log_density = sums_[kLogDensity] / weight;
  evaluation.baseline_log_density = sums_[kBaselineLogDensity] / weight;
  evaluation.error = sums_[kError] / weight;
  evaluation.baseline_error = sums_[kBaselineError] / weight;
  evaluation.error_name = error_name(support_);
  if (support_ == Support::kReal) {
    evaluation.error = std::sqrt(evaluation.error);
    evaluation.baseline_error = std::sqrt(evaluation.baseline_error);
  }
  if (support_ == Support::kBinary) {
    evaluation.brier = sums_[kBrier] / weight;
    evaluation.baseline_brier = sums_[kBaselineBrier] / weight;
  }
  calibrate(support_, sums_, evaluation);
  return evaluation;
}

}  // namespace bayesum
