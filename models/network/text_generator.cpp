#include "models/network/text_generator.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::uint32_t kChoices = 0x60000000u;  // number of the noise that chooses tokens

std::size_t most_probable(std::span<const double> probabilities) {
  return static_cast<std::size_t>(std::ranges::max_element(probabilities) - probabilities.begin());
}

// The least probability that is among the `count` largest.
double kth_largest(std::span<const double> probabilities, std::size_t count) {
  std::vector<double> sorted(probabilities.begin(), probabilities.end());
  const auto kth = sorted.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::ranges::nth_element(sorted, kth, std::greater{});
  return *kth;
}

}  // namespace

std::int32_t choose_token(std::span<const double> probabilities, const GeneratorConfig& config,
                          double uniform) {
  const std::size_t likeliest = most_probable(probabilities);
  if (config.temperature == 0) return static_cast<std::int32_t>(likeliest);
  const auto count = static_cast<std::size_t>(config.top_k);
  const double least =
      count == 0 || count >= probabilities.size() ? 0.0 : kth_largest(probabilities, count);
  std::vector<double> below(probabilities.size());
  double sum = 0;
  for (std::size_t c = 0; c < below.size(); ++c) {
    const double p = probabilities[c];
    if (p >= least) sum += std::pow(p / probabilities[likeliest], 1.0 / config.temperature);
    below[c] = sum;
  }
  const auto chosen = std::ranges::upper_bound(below, uniform * sum);
  return static_cast<std::int32_t>(
      chosen == below.end() ? likeliest : static_cast<std::size_t>(chosen - below.begin()));
}

TextGenerator::TextGenerator(const Stream& stream, const Gpt2Config& network,
                             const WeightDraws& draws, const GeneratorConfig& config,
                             std::span<const std::int32_t> prompt, LowRank* adapters)
    : config_(config),
      context_(network.shape.context),
      tokens_(prompt.begin(), prompt.end()),
      log_probabilities_(network.shape.vocabulary),
      average_(1, network.shape.vocabulary) {
  if (prompt.empty()) throw Error(ExitCode::kUsage, "a text needs a token to begin with");
  const std::int32_t largest = *std::ranges::max_element(prompt);
  if (static_cast<std::size_t>(largest) >= network.shape.vocabulary) {
    throw Error(ExitCode::kUsage, "token " + std::to_string(largest) +
                                      " of the prompt is beyond the vocabulary of " +
                                      std::to_string(network.shape.vocabulary) + " tokens");
  }
  for (std::size_t s = 0; s < draws.size(); ++s) {
    thetas_.emplace_back(stream.device(), draws.mean().size());
    draws.make(stream, s, thetas_.back().span());
    if (adapters != nullptr) {
      const std::span<const float> weights = adapters->adapted(stream, thetas_.back().span());
      thetas_.back() = Buffer<float>(stream.device(), weights.size());
      copy<float>(stream, weights, thetas_.back().span());
    }
    decoders_.push_back(make_gpt2_decoder(stream, network));
    roundings_.push_back(draws.rounding(s));
    decoders_.back()->start({thetas_.back().span(), roundings_.back()});
  }
  if (tokens_.size() <= context_) {
    read(tokens_);
  } else {
    read_again();
  }
}

void TextGenerator::read(std::span<const std::int32_t> tokens) {
  constexpr std::int32_t any = 0;
  average_.clear();
  for (const auto& decoder : decoders_) {
    decoder->append(tokens, log_probabilities_);
    average_.add(log_probabilities_, std::span(&any, 1));
  }
}

void TextGenerator::read_again() {
  for (std::size_t s = 0; s < decoders_.size(); ++s) {
    decoders_[s]->start({thetas_[s].span(), roundings_[s]});
  }
  const std::size_t kept = std::min(tokens_.size(), std::max<std::size_t>(1, context_ / 2));
  read(std::span(tokens_).last(kept));
}

GeneratedToken TextGenerator::next() {
  double uniform = 0;
  fill_uniform(Stream(), noise_after_training(config_.seed, kChoices), generated_++,
               std::span(&uniform, 1));
  const auto probabilities = average_.probabilities(0);
  if (!std::isfinite(average_.mean_entropy(0))) {
    throw Error(ExitCode::kNumerical, "what the network says behind token " +
                                          std::to_string(tokens_.size()) +
                                          " of the text has no finite probabilities");
  }
  const std::int32_t token = choose_token(probabilities, config_, uniform);
  const double entropy = outcome_of(probabilities, 0, token).entropy;
  const GeneratedToken chosen{token, probabilities[static_cast<std::size_t>(token)], entropy,
                              entropy - average_.mean_entropy(0)};
  tokens_.push_back(token);
  if (decoders_.front()->room() > 0) {
    read(std::span(tokens_).last(1));
  } else {
    read_again();
  }
  return chosen;
}

}  // namespace bayesum
