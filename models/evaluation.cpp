#include "models/evaluation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "core/staging.hpp"
#include "distributed/sum_tree.hpp"
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
  kScore,
  kBaselineScore,
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

// The same for the negative binomial of this dispersion, which is known.
double negative_binomial_deviance(double y, double mean, double r) {
  return 2.0 * ((y > 0 ? y * std::log(y / mean) : 0.0) - (y + r) * std::log((y + r) / (mean + r)));
}

bool of_classes(Support support) {
  return support == Support::kBinary || support == Support::kCategory;
}

std::size_t most_probable(const Prediction& prediction) {
  const auto& p = prediction.probabilities;
  return static_cast<std::size_t>(std::ranges::max_element(p) - p.begin());
}

double score_of(const ModelConfig& model, Support support, double y, const Prediction& prediction) {
  switch (support) {
    case Support::kBinary:
      return (prediction.mean >= 0.5) == (y > 0.5) ? 1.0 : 0.0;
    case Support::kCategory:
      return most_probable(prediction) == static_cast<std::size_t>(y) ? 1.0 : 0.0;
    case Support::kCount:
      return model.name == "negative-binomial"
                 ? negative_binomial_deviance(y, prediction.mean, model.dispersion)
                 : poisson_deviance(y, prediction.mean);
    default:
      return (y - prediction.mean) * (y - prediction.mean);
  }
}

std::string score_name(Support support) {
  if (of_classes(support)) return "accuracy";
  return support == Support::kCount ? "deviance" : "RMSE";
}

double brier_score(Support support, double y, const Prediction& prediction) {
  if (support == Support::kBinary) return (y - prediction.mean) * (y - prediction.mean);
  double sum = 0;
  for (std::size_t c = 0; c < prediction.probabilities.size(); ++c) {
    const double gap = prediction.probabilities[c] - (static_cast<double>(c) == y ? 1.0 : 0.0);
    sum += gap * gap;
  }
  return sum;
}

double share_below(double edge, const Prediction& prediction) {
  const double width = prediction.cdf - prediction.cdf_below;
  if (!(width > 0)) return prediction.cdf <= edge ? 1.0 : 0.0;
  return std::clamp((edge - prediction.cdf_below) / width, 0.0, 1.0);
}

// What was said of a class and whether it came: of 1, or of the most probable of several.
struct Claim {
  double probability, came;
};

Claim claim_of(Support support, double y, const Prediction& prediction) {
  if (support == Support::kBinary) return {prediction.mean, y};
  const std::size_t best = most_probable(prediction);
  return {prediction.probabilities[best], static_cast<double>(best) == y ? 1.0 : 0.0};
}

void add_row(const ModelConfig& model, Support support, double weight, double y,
             const Prediction& prediction, const Prediction& baseline, std::span<double> sums) {
  if (weight == 0) return;
  sums[kWeight] += weight;
  sums[kLogDensity] += weight * prediction.log_density;
  sums[kBaselineLogDensity] += weight * baseline.log_density;
  sums[kScore] += weight * score_of(model, support, y, prediction);
  sums[kBaselineScore] += weight * score_of(model, support, y, baseline);
  for (std::size_t i = 0; i <= kEdges; ++i) {
    const double edge = static_cast<double>(i) / kEdges;
    sums[kTransform + i] += weight * share_below(edge, prediction);
  }
  if (!of_classes(support)) return;
  sums[kBrier] += weight * brier_score(support, y, prediction);
  sums[kBaselineBrier] += weight * brier_score(support, y, baseline);
  const Claim claim = claim_of(support, y, prediction);
  const auto bin = std::min(kBins - 1, static_cast<std::size_t>(claim.probability * kBins));
  sums[kBinWeight + bin] += weight;
  sums[kBinPredicted + bin] += weight * claim.probability;
  sums[kBinObserved + bin] += weight * claim.came;
}

// Of what was predicted, for classes.
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
  if (support == Support::kCategory) {  // they have no order, and no intervals
    evaluation.coverage50 = evaluation.coverage90 = std::numeric_limits<double>::quiet_NaN();
  }
  const bool classes = of_classes(support);
  evaluation.bins = classes ? reliability(sums) : histogram(transform);
  for (std::size_t i = 0; i < kBins; ++i) {
    evaluation.bins[i].low = static_cast<double>(i) / kBins;
    evaluation.bins[i].high = static_cast<double>(i + 1) / kBins;
  }
  evaluation.calibration_error =
      classes ? expected_calibration_error(evaluation.bins) : distance_from_uniform(transform);
}

}  // namespace

Evaluator::Evaluator(const TrainedModel& trained, std::size_t virtual_shards)
    : trained_(trained), support_(support_of(trained.model.name)), sums_(kSums, virtual_shards) {
  if (!has_response(support_)) {
    throw Error(ExitCode::kUsage,
                "the model " + trained.model.name + " predicts no response that could be scored");
  }
}

void Evaluator::add(const Batch& batch) {
  const auto predictions = predict(trained_, batch);
  const auto baselines = predict_baseline(trained_, batch);
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    const double weight = batch.weight.empty() ? 1.0 : batch.weight[i];
    add_row(trained_.model, support_, weight, batch.y[i], predictions[i], baselines[i],
            sums_.now());
  }
  sums_.now()[kRows] += static_cast<double>(batch.rows());
}

Evaluation Evaluator::result() const {
  const std::span<const double> sums = sums_.now();
  const double weight = sums[kWeight];
  if (!(weight > 0)) {
    throw Error(ExitCode::kUsage, "there is no row with a weight above zero to score");
  }
  Evaluation evaluation;
  evaluation.rows = sums[kRows];
  evaluation.log_density = sums[kLogDensity] / weight;
  evaluation.baseline_log_density = sums[kBaselineLogDensity] / weight;
  evaluation.score = sums[kScore] / weight;
  evaluation.baseline_score = sums[kBaselineScore] / weight;
  evaluation.score_name = score_name(support_);
  if (support_ == Support::kReal) {
    evaluation.score = std::sqrt(evaluation.score);
    evaluation.baseline_score = std::sqrt(evaluation.baseline_score);
  }
  if (of_classes(support_)) {
    evaluation.brier = sums[kBrier] / weight;
    evaluation.baseline_brier = sums[kBaselineBrier] / weight;
  }
  calibrate(support_, sums, evaluation);
  return evaluation;
}

}  // namespace bayesum
