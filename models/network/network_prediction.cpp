#include "models/network/network_prediction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/families/special.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kKept = std::size_t{1} << 28;  // floats, of all draws together
constexpr std::uint32_t kAfterAllSteps = std::numeric_limits<std::uint32_t>::max();

// One more term of a sum of exponentials with its largest taken out.
void add_exponential(double exponent, bool first, double& largest, double& sum) {
  if (first || exponent > largest) {
    sum = first ? 1.0 : sum * std::exp(largest - exponent) + 1.0;
    largest = exponent;
  } else {
    sum += std::exp(exponent - largest);
  }
}

}  // namespace

NoiseId noise_after_training(std::uint64_t seed, std::uint32_t draw) {
  // Draw 0 of this step is where a training starts.
  return {.seed = seed, .step = kAfterAllSteps, .draw = draw + 1};
}

WeightDraws::WeightDraws(const WeightRule& rule, std::span<const float> mean,
                         std::span<const float> sd, std::size_t draws, std::uint64_t seed)
    : rule_(&rule),
      mean_(mean),
      sd_(sd),
      draws_(draws),
      seed_(seed),
      room_(draws <= kKept / std::max<std::size_t>(mean.size(), 1) ? draws : 1) {
  if (draws == 0) throw Error(ExitCode::kUsage, "an average over no draws is none");
}

void WeightDraws::make(const Stream& stream, std::size_t s, std::span<float> theta) const {
  if (sd_.empty()) return copy<float>(stream, mean_, theta);
  rule_->draw_kept(stream, mean_, sd_, noise_after_training(seed_, static_cast<std::uint32_t>(s)),
                   theta);
}

std::optional<NoiseId> WeightDraws::rounding(std::size_t s) const {
  if (sd_.empty()) return std::nullopt;
  return rounding_noise(noise_after_training(seed_, static_cast<std::uint32_t>(s)));
}

Theta WeightDraws::theta(const Stream& stream, std::size_t s) {
  if (sd_.empty()) return mean_;
  const std::size_t place = room_ == draws_ ? s : 0;
  for (std::size_t next = kept_.size(); next <= place; ++next) {
    kept_.emplace_back(stream.device(), mean_.size());
    make(stream, next, kept_.back().span());
  }
  if (room_ < draws_) make(stream, s, kept_[0].span());
  return {kept_[place].span(), rounding(s)};
}

ClassOutcome outcome_of(std::span<const double> probabilities, double log_probability,
                        std::int32_t target) {
  ClassOutcome outcome{.log_probability = log_probability, .brier = 1.0};
  std::size_t likeliest = 0;
  for (std::size_t c = 0; c < probabilities.size(); ++c) {
    const double p = probabilities[c];
    if (p > probabilities[likeliest]) likeliest = c;
    if (p != 0) outcome.entropy -= p * std::log(p);
    outcome.brier += p * p;
  }
  const auto is = static_cast<std::size_t>(target);
  outcome.confidence = probabilities[likeliest];
  outcome.correct = likeliest == is ? 1.0 : 0.0;
  outcome.brier -= 2.0 * probabilities[is];
  return outcome;
}

AveragedClasses::AveragedClasses(std::size_t targets, std::size_t classes)
    : classes_(classes), probabilities_(targets * classes), running_(targets) {}

void AveragedClasses::add(std::span<const float> log_probabilities,
                          std::span<const std::int32_t> targets) {
  ++draws_;
  cpu::parallel_for(targets.size(), [&](std::size_t target) {
    if (targets[target] == kNoTarget) return;
    add(target, log_probabilities.subspan(target * classes_, classes_), targets[target]);
  });
}

void AveragedClasses::add(std::size_t target, std::span<const float> log_probabilities,
                          std::int32_t is) {
  const bool first = draws_ == 1;
  const double part = 1.0 / static_cast<double>(draws_);
  double* const mean = probabilities_.data() + target * classes_;
  double entropy = 0;
  for (std::size_t c = 0; c < classes_; ++c) {
    const double log_p = log_probabilities[c];
    const double p = std::exp(log_p);
    if (p != 0) entropy -= p * log_p;
    mean[c] = first ? p : mean[c] + (p - mean[c]) * part;
  }
  Running& running = running_[target];
  running.entropy = first ? entropy : running.entropy + (entropy - running.entropy) * part;
  add_exponential(log_probabilities[static_cast<std::size_t>(is)], first, running.largest,
                  running.sum);
}

std::span<const double> AveragedClasses::probabilities(std::size_t target) const {
  return std::span(probabilities_).subspan(target * classes_, classes_);
}

double AveragedClasses::log_probability(std::size_t target) const {
  const Running& running = running_[target];
  return running.largest + std::log(running.sum / static_cast<double>(draws_));
}

double AveragedClasses::mean_entropy(std::size_t target) const { return running_[target].entropy; }

void AveragedNumbers::add(std::span<const float> outputs, std::span<const float> responses,
                          std::size_t columns) {
  ++draws_;
  for (std::size_t target = 0; target < responses.size(); ++target) {
    const float* const row = outputs.data() + target / columns * (columns + 1);
    add(running_[target], row[target % columns], std::exp(double{row[columns]}), responses[target]);
  }
}

void AveragedNumbers::add(Running& running, double mean, double precision, double response) const {
  const bool first = draws_ == 1;
  if (first) running = {};
  const double part = 1.0 / static_cast<double>(draws_);
  const double deviation = mean - running.mean;
  running.mean = first ? mean : running.mean + deviation * part;
  if (!first) running.squares += deviation * (mean - running.mean);
  running.variance += (1.0 / precision - running.variance) * part;
  const double z = (response - mean) * std::sqrt(precision);
  const double log_density = 0.5 * (std::log(precision) - std::log(2.0 * std::numbers::pi) - z * z);
  add_exponential(log_density, first, running.largest, running.sum);
  const double transform = special::normal_cdf(z);
  running.transform += (transform - running.transform) * part;
}

NumberOutcome AveragedNumbers::outcome(std::size_t target) const {
  const Running& running = running_[target];
  const auto draws = static_cast<double>(draws_);
  return {.mean = running.mean,
          .variance = running.variance + running.squares / draws,
          .log_density = running.largest + std::log(running.sum / draws),
          .transform = running.transform};
}

}  // namespace bayesum
