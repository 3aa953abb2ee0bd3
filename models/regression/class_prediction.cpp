#include "models/regression/class_prediction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/gemm.hpp"
#include "models/regression/gaussian_coefficients.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kPairs = 128;
constexpr std::uint64_t kSeed = 0;
constexpr std::size_t kMostRows = 256;
constexpr std::size_t kMostNumbers = std::size_t{1} << 22;  // of draws, and of logits, at a time
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// log(e^a + e^b)
double log_add(double a, double b) {
  const double high = std::max(a, b), low = std::min(a, b);
  return std::isinf(low) ? high : high + std::log1p(std::exp(low - high));
}

// Adds one draw's log-probabilities, given its logits; the first class has logit zero.
void add_draw(std::span<const double> logits, std::span<double> log_sum) {
  double largest = 0.0;
  for (const double z : logits) largest = std::max(largest, z);
  double sum = std::exp(-largest);
  for (const double z : logits) sum += std::exp(z - largest);
  const double log_normaliser = largest + std::log(sum);
  log_sum[0] = log_add(log_sum[0], -log_normaliser);
  for (std::size_t c = 0; c < logits.size(); ++c) {
    log_sum[c + 1] = log_add(log_sum[c + 1], logits[c] - log_normaliser);
  }
}

// log P(y = c | x), rows x classes: as many draws, and of them as many rows, at a time as memory is
// meant to hold.
std::vector<double> log_mean_probabilities(const TrainedModel& trained, const Batch& batch) {
  const Block& block = trained.posterior.block("coefficients");
  const std::size_t dimension = block.family->dimension();
  const std::size_t classes = trained.design.classes.size(), others = classes - 1;
  const std::size_t pairs_at_once =
      std::clamp<std::size_t>(kMostNumbers / (2 * dimension), 1, kPairs);
  const std::size_t rows_at_once =
      std::clamp<std::size_t>(kMostNumbers / (2 * pairs_at_once * others), 1, kMostRows);
  std::vector<double> log_sum(batch.rows() * classes, -std::numeric_limits<double>::infinity());
  std::vector<double> logits(rows_at_once * 2 * pairs_at_once * others);
  for (std::size_t pair = 0; pair < kPairs; pair += pairs_at_once) {
    const Range pairs{pair, std::min(pair + pairs_at_once, kPairs)};
    const std::vector<double> draws =
        antithetic_draws(block.family->name() == "gaussian", trained.posterior.natural(block),
                         dimension, pairs, kSeed);
    const std::size_t width = 2 * pairs.size() * others;
    for (std::size_t first = 0; first < batch.rows(); first += rows_at_once) {
      const std::size_t rows = std::min(rows_at_once, batch.rows() - first);
      gemm(Stream(), {.transpose_b = Transpose::kYes}, batch.x.row_block(first, rows),
           {draws.data(), width, batch.x.cols}, {logits.data(), rows, width});
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t at = 0; at < width; at += others) {
          add_draw(std::span(logits).subspan(i * width + at, others),
                   std::span(log_sum).subspan((first + i) * classes, classes));
        }
      }
    }
  }
  for (double& x : log_sum) x -= std::log(2.0 * kPairs);
  return log_sum;
}

}  // namespace

Prediction class_prediction(std::vector<double> probabilities, std::optional<double> y) {
  Prediction prediction{.mean = kNaN, .sd = kNaN, .low = kNaN, .high = kNaN};
  if (y) prediction.log_density = std::log(probabilities.at(static_cast<std::size_t>(*y)));
  prediction.probabilities = std::move(probabilities);
  return prediction;
}

std::vector<Prediction> predict_classes(const TrainedModel& trained, const Batch& batch) {
  const std::size_t classes = trained.design.classes.size();
  const std::vector<double> log_probabilities = log_mean_probabilities(trained, batch);
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    const auto at = log_probabilities.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const std::vector<double> of_row(at, at + static_cast<std::ptrdiff_t>(classes));
    std::vector<double> probabilities;
    for (const double x : of_row) probabilities.push_back(std::exp(x));
    Prediction prediction = class_prediction(std::move(probabilities), std::nullopt);
    if (!batch.y.empty() && !std::isnan(batch.y[i])) {
      prediction.log_density = of_row.at(static_cast<std::size_t>(batch.y[i]));
    }
    predictions.push_back(std::move(prediction));
  }
  return predictions;
}

std::vector<double> class_frequencies(const TrainedModel& trained) {
  std::vector<double> weight = trained.summary.class_weight;
  double total = std::reduce(weight.begin(), weight.end());
  if (!(total > 0)) {
    weight.assign(trained.design.classes.size(), 1.0);
    total = static_cast<double>(weight.size());
  }
  for (double& w : weight) w /= total;
  return weight;
}

}  // namespace bayesum
