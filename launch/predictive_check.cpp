#include "launch/predictive_check.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "launch/assessment.hpp"
#include "models/prediction.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kMostRows = 1000;
constexpr std::size_t kBins = 24;
constexpr std::size_t kOutcomeBins = 20;

// Every stride-th row of a table, as one batch.
struct Sample {
  std::size_t columns = 0;
  std::vector<double> x, y, offset, weight;

  Batch batch(std::span<const double> responses) const {
    return {.x = {x.data(), y.size(), columns}, .y = responses, .offset = offset, .weight = weight};
  }
};

Sample read_sample(const TrainedModel& trained, const OtherData& rows, std::size_t stride) {
  DataConfig config = config_of(rows, trained);
  config.virtual_shards = 1;
  Dataset data(config, support_of(trained.model.name));
  data.set_design(trained.design);
  Sample sample;
  sample.columns = trained.design.columns();
  std::size_t row = 0;
  data.visit(Stream(), 0, [&](const Batch& batch) {
    for (std::size_t i = 0; i < batch.rows(); ++i) {
      if (row++ % stride != 0) continue;
      const double* x = batch.x.data + i * batch.x.stride;
      sample.x.insert(sample.x.end(), x, x + sample.columns);
      sample.y.push_back(batch.y[i]);
      sample.offset.push_back(batch.offset.empty() ? 0.0 : batch.offset[i]);
      sample.weight.push_back(batch.weight.empty() ? 1.0 : batch.weight[i]);
    }
  });
  return sample;
}

// Bins of [low, high], or of whole numbers from 0 to the one that nearly all are below.
std::vector<PredictiveCheck::Bin> bins_of(std::vector<double> y, bool whole_numbers) {
  std::ranges::sort(y);
  std::vector<PredictiveCheck::Bin> bins;
  if (whole_numbers) {
    const double most = y[(y.size() - 1) * 99 / 100] + 1.0;
    const double width = std::ceil((most + 1.0) / kBins);
    for (double low = 0; low <= most; low += width) bins.push_back({low, low + width - 1.0});
    return bins;
  }
  const double reach = std::max(y.back() - y.front(), 1e-9 * std::abs(y.front()) + 1e-300);
  const double width = reach / (kBins - 2);
  for (std::size_t i = 0; i < kBins; ++i) {
    const double low = y.front() + width * (static_cast<double>(i) - 1.0);
    bins.push_back({low, low + width});
  }
  return bins;
}

// The mean over the rows of P(Y <= value).
double predicted_below(const TrainedModel& trained, const Sample& sample, double value) {
  const std::vector<double> responses(sample.y.size(), value);
  const auto predictions = predict(trained, sample.batch(responses));
  double sum = 0;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    sum += sample.weight[i] * predictions[i].cdf;
  }
  return sum / std::reduce(sample.weight.begin(), sample.weight.end());
}

double observed_in(const Sample& sample, double low, double high, bool last, bool closed) {
  double sum = 0;
  for (std::size_t i = 0; i < sample.y.size(); ++i) {
    const double y = sample.y[i];
    if (y >= low && (last || y < high || (closed && y == high))) sum += sample.weight[i];
  }
  return sum / std::reduce(sample.weight.begin(), sample.weight.end());
}

void compare(const TrainedModel& trained, const Sample& sample, PredictiveCheck& check) {
  check.bins = bins_of(sample.y, check.whole_numbers);
  double below = check.whole_numbers ? 0.0 : predicted_below(trained, sample, check.bins[0].low);
  for (std::size_t i = 0; i < check.bins.size(); ++i) {
    PredictiveCheck::Bin& bin = check.bins[i];
    const bool open = check.whole_numbers && i + 1 == check.bins.size();
    const double up_to = open ? 1.0 : predicted_below(trained, sample, bin.high);
    bin.predicted = up_to - below;
    bin.observed = observed_in(sample, bin.low, bin.high, open, check.whole_numbers);
    below = up_to;
  }
}

std::vector<PredictiveCheck::Outcomes> outcomes_of(const TrainedModel& trained,
                                                   const Sample& sample) {
  std::vector<PredictiveCheck::Outcomes> outcomes(kOutcomeBins);
  for (std::size_t i = 0; i < kOutcomeBins; ++i) {
    outcomes[i].low = static_cast<double>(i) / kOutcomeBins;
    outcomes[i].high = static_cast<double>(i + 1) / kOutcomeBins;
  }
  const auto predictions = predict(trained, sample.batch(sample.y));
  double zeros = 0, ones = 0;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const auto place = static_cast<std::size_t>(predictions[i].mean * kOutcomeBins);
    PredictiveCheck::Outcomes& bin = outcomes[std::min(place, kOutcomeBins - 1)];
    const bool one = sample.y[i] > 0.5;
    (one ? bin.ones : bin.zeros) += sample.weight[i];
    (one ? ones : zeros) += sample.weight[i];
  }
  for (auto& bin : outcomes) {
    if (zeros > 0) bin.zeros /= zeros;
    if (ones > 0) bin.ones /= ones;
  }
  return outcomes;
}

}  // namespace

std::optional<PredictiveCheck> check_predictions(const TrainedModel& trained, const OtherData& data,
                                                 std::size_t rows) {
  const Support support = support_of(trained.model.name);
  const bool binary = support == Support::kBinary;
  if (!binary && support != Support::kCount && support != Support::kReal) return std::nullopt;
  if (trained.design.columns() > Dataset::kMostDenseColumns) return std::nullopt;
  const Sample sample =
      read_sample(trained, data, std::max<std::size_t>(1, (rows + kMostRows - 1) / kMostRows));
  if (!(std::reduce(sample.weight.begin(), sample.weight.end()) > 0)) return std::nullopt;
  PredictiveCheck check;
  check.whole_numbers = support == Support::kCount;
  check.rows = sample.y.size();
  if (binary) {
    check.outcomes = outcomes_of(trained, sample);
  } else {
    compare(trained, sample, check);
  }
  return check;
}

}  // namespace bayesum
