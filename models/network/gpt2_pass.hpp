#pragma once

#include <cstddef>
#include <span>

#include "core/weights/network.hpp"
#include "kernels/bfloat16.hpp"
#include "kernels/buffer.hpp"
#include "models/network/gpt2_activations.hpp"
#include "models/network/gpt2_backward.hpp"
#include "models/network/gpt2_forward.hpp"
#include "models/network/gpt2_weights.hpp"

namespace bayesum {

// GPT-2 with activations of type T. See Gpt2, which is one of the two.
template <class T>
class Gpt2Pass {
 public:
  Gpt2Pass(const Gpt2Config& config, const ParameterSpace& space);

  void reserve(const Stream& stream, const Gpt2Extent& extent);
  void accumulate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                  NoiseId dropout, const GradientSink& sink,
                  std::span<double, WeightMessage::kScalars> counts);
  void evaluate(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                std::span<double, WeightMessage::kScalars> counts);
  void predict(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
               std::span<float> out);

 private:
  // Memory, weights, and the forward pass up to activations_.normal.
  Gpt2Forward<T> forward(const Stream& stream, const Theta& theta, const ExampleBatch& batch,
                         Kept kept, const Gpt2Dropout& dropout);
  void attend(const Stream& stream, const BlockActivations<T>& block) const;
  void recompute(const Gpt2Forward<T>& forward, std::size_t l) const;
  // visit(first, rows) over the chunks of rows that the head takes at a time.
  template <class Visit>
  void for_each_chunk(const Visit& visit) const;
  // Logits of a chunk, their loss, and its gradient in their place.
  MatrixView<float> lose(const Gpt2Forward<T>& forward, const ExampleBatch& batch,
                         std::size_t first, std::size_t rows);

  Gpt2Config config_;
  Gpt2Places places_;
  Gpt2Weights<T> weights_;
  Buffer<std::byte> memory_;
  Gpt2Extent extent_;
  Gpt2Activations<T> activations_;
  Buffer<double> sums_;
};

extern template class Gpt2Pass<float>;
extern template class Gpt2Pass<BFloat16>;

}  // namespace bayesum
