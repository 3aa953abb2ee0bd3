#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <variant>

#include "core/weights/network.hpp"
#include "models/network/gpt2_pass.hpp"

namespace bayesum {

// GPT-2, a decoder-only transformer with layer norms before its parts (Radford et al., 2019; see
// gpt2_forward.hpp), learned positions, gelu in its tanh form, and the embedding of tokens as
// output map. Parameters: gpt2_parameters.hpp. Targets are tokens; those of kNoTarget do not count,
// and `examples` are the targets that do. What pads the vocabulary has no probability and no
// gradient.
//
// Dropout is where GPT-2 has it, on the embedding and on what joins the residual stream, but not on
// the probabilities of attention, which are never held.
//
// Logits are computed for a chunk of rows at a time and become their gradient, so that memory does
// not grow with tokens x vocabulary.
class Gpt2 final : public Network {
 public:
  // Error(kUsage) as gpt2_parameters; and for a dropout outside 0 <= dropout < 1.
  explicit Gpt2(const Gpt2Config& config);

  std::string name() const override { return "gpt2"; }
  const Gpt2Config& config() const { return config_; }
  const ParameterSpace& parameters() const override { return parameters_; }
  void reserve(const Stream& stream, std::size_t rows, std::size_t length) override;

  // Error(kUsage) where squares are asked for: VOGN needs the gradient of each sequence, in which
  // every weight is used at every token.
  void accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                  NoiseId dropout, const GradientSink& sink,
                  std::span<double, WeightMessage::kScalars> counts) override;
  void evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                std::span<double, WeightMessage::kScalars> counts) override;

  // The log-probabilities of all tokens behind each token: rows x length x vocabulary. No targets
  // are needed.
  std::size_t outputs() const override { return config_.shape.vocabulary; }
  void predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
               std::span<float> out) override;

 private:
  void check(std::span<const float> theta, const ExampleBatch& batch, bool with_targets) const;

  Gpt2Config config_;
  ParameterSpace parameters_;
  std::variant<Gpt2Pass<float>, Gpt2Pass<BFloat16>> pass_;
};

}  // namespace bayesum
