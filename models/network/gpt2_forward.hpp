#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/random.hpp"
#include "kernels/stream.hpp"
#include "models/network/gpt2_activations.hpp"
#include "models/network/gpt2_weights.hpp"

namespace bayesum {

// Dropout of one pass over a fixed number of tokens. Its places are the embedding, 0, and the two
// of block l where something joins the residual stream, 1 + 2 l and 2 + 2 l.
struct Gpt2Dropout {
  NoiseId id{};
  float rate = 0;  // 0: none

  static std::size_t behind_attention(std::size_t block) { return 1 + 2 * block; }
  static std::size_t behind_mlp(std::size_t block) { return 2 + 2 * block; }

  // Forward and backward alike; out may be x.
  template <class T>
  void apply(const Stream& stream, std::size_t place, MatrixView<const T> x,
             MatrixView<T> out) const;
};

// The operations of GPT-2's forward pass: with the residual stream s, starting at the embedding,
//
//   s <- s + attention(norm_1(s))    s <- s + W_out gelu(W_in norm_2(s))    in each block,
//
// and logits = norm(s) E', E the embedding of tokens. Attention is left to the caller, who may have
// a cache.
template <class T>
struct Gpt2Forward {
  const Stream& stream;
  const Gpt2Places& places;
  const Gpt2Weights<T>& weights;
  Gpt2Dropout dropout;

  // Row r is at position first_position + r % length.
  void embed(std::span<const std::int32_t> tokens, std::size_t length, std::size_t first_position,
             MatrixView<float> out) const;
  // The queries, keys and values of block l. `delta`, unless it is empty, joins `residual` first,
  // at the entrance; else `residual` is the entrance.
  void to_queries(std::size_t l, MatrixView<const float> residual, MatrixView<const T> delta,
                  const BlockActivations<T>& block) const;
  // From what attention gave to the perceptron's hidden layer; `passing` is used.
  void to_hidden(std::size_t l, const BlockActivations<T>& block, MatrixView<T> passing) const;
  // What joins the residual stream behind block l.
  void to_delta(std::size_t l, const BlockActivations<T>& block, MatrixView<T> delta) const;
  // The last layer norm, of middle + delta of the last block.
  void finish(MatrixView<const float> middle, MatrixView<const T> delta,
              const Gpt2Activations<T>& activations) const;
  void to_logits(MatrixView<const T> normal, MatrixView<float> logits) const;
};

extern template struct Gpt2Forward<float>;
extern template struct Gpt2Forward<BFloat16>;

}  // namespace bayesum
