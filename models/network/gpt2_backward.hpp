#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/weights/network.hpp"
#include "kernels/bfloat16.hpp"
#include "kernels/stream.hpp"
#include "models/network/gpt2_activations.hpp"
#include "models/network/gpt2_forward.hpp"
#include "models/network/gpt2_weights.hpp"

namespace bayesum {

// The operations of GPT-2's backward pass, in their order: the head of each chunk of rows, `start`,
// the blocks from the last to the first, `finish`. The gradient of the residual stream is in
// activations.dstream in between.
template <class T>
struct Gpt2Backward {
  const Stream& stream;
  const Gpt2Places& places;
  const Gpt2Weights<T>& weights;
  const Gpt2Dropout& dropout;
  const Gpt2Activations<T>& activations;
  const GradientSink& sink;

  // Of the output map, from the gradient of some rows of logits; `dnormal` is written.
  void head(MatrixView<const float> dlogits, MatrixView<const T> normal,
            MatrixView<T> dnormal) const;
  // The last layer norm, from activations.passing.
  void start() const;
  // Block l of sequences of this length and so many heads.
  void block(std::size_t l, std::size_t length, std::size_t heads) const;
  // The embeddings of these tokens.
  void finish(std::span<const std::int32_t> tokens, std::size_t length) const;

 private:
  // Gradient of the weights of y = x W + b, which are final then.
  void linear(const Gpt2Places::Linear& place, MatrixView<const T> x, MatrixView<const T> dy) const;
  void through(const Gpt2Places::Linear& place, MatrixView<const T> dy, MatrixView<T> dx) const;
  void norm(const Gpt2Places::Norm& place, MatrixView<const float> sum, std::span<const float> mean,
            std::span<const float> rstd) const;
  // The gradient of what joined the residual stream at this place of dropout.
  MatrixView<const T> delta(std::size_t place) const;
};

extern template struct Gpt2Backward<float>;
extern template struct Gpt2Backward<BFloat16>;

}  // namespace bayesum
