#include "models/network/gpt2_forward.hpp"

#include "kernels/network/dropout.hpp"
#include "kernels/network/embedding.hpp"
#include "kernels/network/layer_norm.hpp"
#include "kernels/network/matmul.hpp"

namespace bayesum {

template <class T>
void Gpt2Dropout::apply(const Stream& stream, std::size_t place, MatrixView<const T> x,
                        MatrixView<T> out) const {
  if (rate == 0) return;
  const std::size_t size = x.rows * x.cols;
  bayesum::dropout(stream, Dropout<T>{.id = id,
                                      .first_index = std::uint64_t{place} * size,
                                      .rate = rate,
                                      .x = {x.data, size},
                                      .out = {out.data, size}});
}

template void Gpt2Dropout::apply(const Stream&, std::size_t, MatrixView<const float>,
                                 MatrixView<float>) const;
template void Gpt2Dropout::apply(const Stream&, std::size_t, MatrixView<const BFloat16>,
                                 MatrixView<BFloat16>) const;

template <class T>
void Gpt2Forward<T>::embed(std::span<const std::int32_t> tokens, std::size_t length,
                           std::size_t first_position, MatrixView<float> out) const {
  bayesum::embed(stream, Embedding<float>{.tokens = tokens,
                                          .sequence = length,
                                          .first_position = first_position,
                                          .token_table = weights.table(places.tokens),
                                          .position_table = weights.table(places.positions),
                                          .out = out});
  dropout.apply<float>(stream, 0, out, out);
}

template <class T>
void Gpt2Forward<T>::to_queries(std::size_t l, MatrixView<const float> residual,
                                MatrixView<const T> delta, const BlockActivations<T>& block) const {
  const Gpt2Places::Block& place = places.blocks[l];
  layer_norm(stream, LayerNorm<T>{.residual = residual,
                                  .delta = delta,
                                  .sum = block.entrance,
                                  .gain = weights.vector(place.norm_1.gain),
                                  .bias = weights.vector(place.norm_1.bias),
                                  .y = block.normal_1,
                                  .mean = block.mean_1,
                                  .rstd = block.rstd_1});
  matmul(stream, {.bias = weights.vector(place.attention_in.bias)}, block.normal_1,
         weights.factor(place.attention_in.weight), block.qkv);
}

template <class T>
void Gpt2Forward<T>::to_hidden(std::size_t l, const BlockActivations<T>& block,
                               MatrixView<T> passing) const {
  const Gpt2Places::Block& place = places.blocks[l];
  matmul(stream, {.bias = weights.vector(place.attention_out.bias)}, block.attended,
         weights.factor(place.attention_out.weight), passing);
  dropout.apply<T>(stream, Gpt2Dropout::behind_attention(l), passing, passing);
  layer_norm(stream, LayerNorm<T>{.residual = block.entrance,
                                  .delta = passing,
                                  .sum = block.middle,
                                  .gain = weights.vector(place.norm_2.gain),
                                  .bias = weights.vector(place.norm_2.bias),
                                  .y = block.normal_2,
                                  .mean = block.mean_2,
                                  .rstd = block.rstd_2});
  matmul_gelu(stream, {.bias = weights.vector(place.mlp_in.bias)}, block.normal_2,
              weights.factor(place.mlp_in.weight), block.before, block.hidden);
}

template <class T>
void Gpt2Forward<T>::to_delta(std::size_t l, const BlockActivations<T>& block,
                              MatrixView<T> delta) const {
  const Gpt2Places::Linear& place = places.blocks[l].mlp_out;
  matmul(stream, {.bias = weights.vector(place.bias)}, block.hidden, weights.factor(place.weight),
         delta);
  dropout.apply<T>(stream, Gpt2Dropout::behind_mlp(l), delta, delta);
}

template <class T>
void Gpt2Forward<T>::finish(MatrixView<const float> middle, MatrixView<const T> delta,
                            const Gpt2Activations<T>& activations) const {
  layer_norm(stream, LayerNorm<T>{.residual = middle,
                                  .delta = delta,
                                  .sum = activations.exit,
                                  .gain = weights.vector(places.last.gain),
                                  .bias = weights.vector(places.last.bias),
                                  .y = activations.normal,
                                  .mean = activations.mean,
                                  .rstd = activations.rstd});
}

template <class T>
void Gpt2Forward<T>::to_logits(MatrixView<const T> normal, MatrixView<float> logits) const {
  matmul(stream, {.transpose_b = Transpose::kYes}, normal, weights.factor(places.tokens), logits);
}

template struct Gpt2Forward<float>;
template struct Gpt2Forward<BFloat16>;

}  // namespace bayesum
