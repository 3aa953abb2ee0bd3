#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/network/gpt2_decoder.hpp"
#include "models/network/low_rank.hpp"
#include "models/network/network_prediction.hpp"

namespace bayesum {

struct GeneratorConfig {
  double temperature = 1;  // p^(1/temperature); 0: always the most probable token
  std::int64_t top_k = 0;  // only among so many of the most probable; 0: among all
  std::uint64_t seed = 1;
};

// A token that was chosen, and what was known of it before, at temperature 1.
struct GeneratedToken {
  std::int32_t token = 0;
  double probability = 0;         // averaged over the draws
  double entropy = 0;             // of that distribution, in nats
  double mutual_information = 0;  // of token and weights: how much the draws disagree
};

// The next token by these probabilities, at a uniform number from (0, 1).
std::int32_t choose_token(std::span<const double> probabilities, const GeneratorConfig& config,
                          double uniform);

// Text of a GPT-2, token by token, from the predictive distribution averaged over draws of its
// weights: one decoder for each, over the same tokens. Past the context each reads the last half of
// it again. A pure function of draws, prompt and configuration.
class TextGenerator {
 public:
  // `adapters`: whose weights the draws are, if they are not the network's own. Error(kUsage) for a
  // prompt without tokens or with one beyond the vocabulary.
  TextGenerator(const Stream& stream, const Gpt2Config& network, const WeightDraws& draws,
                const GeneratorConfig& config, std::span<const std::int32_t> prompt,
                LowRank* adapters = nullptr);

  // Error(kNumerical) where the network says nothing finite.
  GeneratedToken next();

 private:
  void read(std::span<const std::int32_t> tokens);
  void read_again();

  GeneratorConfig config_;
  std::size_t context_;
  std::vector<Buffer<float>> thetas_;
  std::vector<std::optional<NoiseId>> roundings_;  // of each
  std::vector<std::unique_ptr<Gpt2Decoder>> decoders_;
  std::vector<std::int32_t> tokens_;
  std::vector<float> log_probabilities_;
  AveragedClasses average_;
  std::uint64_t generated_ = 0;
};

}  // namespace bayesum
