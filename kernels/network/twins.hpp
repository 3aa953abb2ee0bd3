#pragma once

#include <cstdint>
#include <span>

#include "kernels/network/activation.hpp"
#include "kernels/network/attention.hpp"
#include "kernels/network/cached_attention.hpp"
#include "kernels/network/cross_entropy.hpp"
#include "kernels/network/dropout.hpp"
#include "kernels/network/embedding.hpp"
#include "kernels/network/floats.hpp"
#include "kernels/network/gradients.hpp"
#include "kernels/network/layer_norm.hpp"
#include "kernels/network/matmul.hpp"
#include "kernels/twins.hpp"

// An operation on the two types that activations are stored in.
#define BAYESUM_NETWORK_TWINS(function, Arguments)                               \
  BAYESUM_TWINS(void function(const Stream& stream, const Arguments<float>& op)) \
  BAYESUM_TWINS(void function(const Stream& stream, const Arguments<BFloat16>& op))

namespace bayesum {

BAYESUM_TWINS(void matmul(const Stream& stream, const Matmul& op, MatrixView<const float> a,
                          MatrixView<const float> b, MatrixView<float> c))
BAYESUM_TWINS(void matmul(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
                          MatrixView<const BFloat16> b, MatrixView<float> c))
BAYESUM_TWINS(void matmul(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
                          MatrixView<const BFloat16> b, MatrixView<BFloat16> c))
BAYESUM_TWINS(void matmul_gelu(const Stream& stream, const Matmul& op, MatrixView<const float> a,
                               MatrixView<const float> b, MatrixView<float> pre,
                               MatrixView<float> y))
BAYESUM_TWINS(void matmul_gelu(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
                               MatrixView<const BFloat16> b, MatrixView<BFloat16> pre,
                               MatrixView<BFloat16> y))
BAYESUM_TWINS(void matmul_gelu_backward(const Stream& stream, const Matmul& op,
                                        MatrixView<const float> a, MatrixView<const float> b,
                                        MatrixView<const float> pre, MatrixView<float> dpre))
BAYESUM_TWINS(void matmul_gelu_backward(const Stream& stream, const Matmul& op,
                                        MatrixView<const BFloat16> a, MatrixView<const BFloat16> b,
                                        MatrixView<const BFloat16> pre, MatrixView<BFloat16> dpre))

BAYESUM_TWINS(void add_column_sums(const Stream& stream, MatrixView<const float> dy,
                                   std::span<float> out))
BAYESUM_TWINS(void add_column_sums(const Stream& stream, MatrixView<const BFloat16> dy,
                                   std::span<float> out))
BAYESUM_NETWORK_TWINS(add_squared_gradients, SquaredGradients)

BAYESUM_NETWORK_TWINS(embed, Embedding)
BAYESUM_TWINS(void embed_backward(const Stream& stream, const EmbeddingBackward& op))

BAYESUM_NETWORK_TWINS(layer_norm, LayerNorm)
BAYESUM_NETWORK_TWINS(layer_norm_backward, LayerNormBackward)

BAYESUM_TWINS(void activate(const Stream& stream, Activation f, std::span<const float> x,
                            std::span<float> y))
BAYESUM_TWINS(void activate(const Stream& stream, Activation f, std::span<const BFloat16> x,
                            std::span<BFloat16> y))
BAYESUM_TWINS(void activate_backward(const Stream& stream, Activation f, std::span<const float> x,
                                     std::span<const float> dy, std::span<float> dx))
BAYESUM_TWINS(void activate_backward(const Stream& stream, Activation f,
                                     std::span<const BFloat16> x, std::span<const BFloat16> dy,
                                     std::span<BFloat16> dx))

BAYESUM_NETWORK_TWINS(attention, Attention)
BAYESUM_NETWORK_TWINS(attention_backward, AttentionBackward)
BAYESUM_TWINS(void check_attention(const Stream& stream, std::size_t head_size, bool backward))
BAYESUM_NETWORK_TWINS(cached_attention, CachedAttention)

BAYESUM_NETWORK_TWINS(dropout, Dropout)

BAYESUM_NETWORK_TWINS(cross_entropy, CrossEntropy)
BAYESUM_TWINS(void log_softmax(const Stream& stream, MatrixView<const float> logits,
                               std::size_t classes, std::span<float> out))
BAYESUM_NETWORK_TWINS(squared_error, SquaredError)

BAYESUM_TWINS(void convert(const Stream& stream, std::span<const float> from,
                           std::span<BFloat16> to))
BAYESUM_TWINS(void convert(const Stream& stream, std::span<const BFloat16> from,
                           std::span<float> to))
BAYESUM_TWINS(void convert_stochastically(const Stream& stream, NoiseId id,
                                          std::uint64_t first_index, std::span<const float> from,
                                          std::span<BFloat16> to))

}  // namespace bayesum
