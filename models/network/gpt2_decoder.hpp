#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/weights/network.hpp"
#include "kernels/stream.hpp"
#include "models/network/gpt2_config.hpp"

namespace bayesum {

// GPT-2 token by token at one theta, with the keys and values of earlier tokens kept: what it costs
// to append a token grows with the tokens before it, not with their square. Several sequences of
// equal length go side by side. Says what Gpt2::predict says, to rounding.
class Gpt2Decoder {
 public:
  virtual ~Gpt2Decoder() = default;

  // Begins anew, with no tokens, at theta, which lives on the device and must stay as it is until
  // the next start.
  virtual void start(const Theta& theta) = 0;

  virtual std::size_t sequences() const = 0;
  virtual std::size_t size() const = 0;  // tokens of each sequence so far
  virtual std::size_t room() const = 0;  // tokens that still fit the context

  // Takes the same number of tokens for every sequence, sequences x n, and writes the
  // log-probabilities of the token that follows, sequences x vocabulary; both in host memory.
  // Error(kUsage) past the context: positions are learned, so that a text that moves on has to be
  // read again. The caller chooses what of it, and starts with that.
  virtual void append(std::span<const std::int32_t> tokens, std::span<float> out) = 0;
};

std::unique_ptr<Gpt2Decoder> make_gpt2_decoder(const Stream& stream, const Gpt2Config& config,
                                               std::size_t sequences = 1);

}  // namespace bayesum
