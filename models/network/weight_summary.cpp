#include "models/network/weight_summary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bayesum {
namespace {

WeightSummary summary_of(const OpenNetwork& trained, const ParameterTensor& tensor) {
  WeightSummary summary{.tensor = tensor};
  const auto size = static_cast<double>(tensor.size());
  std::vector<float> ratios;
  ratios.reserve(tensor.size());
  double squares = 0, sds = 0;
  for (std::size_t i = tensor.first; i < tensor.range().last; ++i) {
    const double sd = trained.sd.data()[i];
    const double expectation = trained.rule->expectation(trained.mean.data()[i], sd);
    squares += expectation * expectation;
    sds += sd;
    ratios.push_back(static_cast<float>(std::abs(expectation) / sd));
  }
  summary.rms = std::sqrt(squares / size);
  summary.sd = sds / size;
  if (!trained.rule->draws()) {
    summary.signal_to_noise = summary.share_above_noise = std::numeric_limits<double>::quiet_NaN();
    return summary;
  }
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::ranges::nth_element(ratios, middle);
  summary.signal_to_noise = *middle;
  const auto above = std::ranges::count_if(ratios, [](float ratio) { return ratio > 1; });
  summary.share_above_noise = static_cast<double>(above) / size;
  return summary;
}

}  // namespace

std::vector<WeightSummary> summarize_weights(const OpenNetwork& trained) {
  std::vector<WeightSummary> summaries;
  for (const ParameterTensor& tensor : trained.network->parameters().tensors()) {
    summaries.push_back(summary_of(trained, tensor));
  }
  return summaries;
}

double sd_at_start(const WeightRuleConfig& config, double ess, const ParameterTensor& tensor) {
  const auto rule = make_weight_rule(config, ess);
  WeightState state({}, 1);
  state.mean.data()[0] = 0;
  rule->start(Stream(), state);
  std::array<float, 1> sd{};
  rule->sigma(Stream(), state, {0, 1}, config.decay_of(tensor), sd);
  return sd[0];
}

}  // namespace bayesum
