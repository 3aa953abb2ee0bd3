#include "models/network/gpt2_backward.hpp"

#include <type_traits>

#include "kernels/elementwise.hpp"
#include "kernels/network/attention.hpp"
#include "kernels/network/embedding.hpp"
#include "kernels/network/floats.hpp"
#include "kernels/network/gradients.hpp"
#include "kernels/network/layer_norm.hpp"
#include "kernels/network/matmul.hpp"

namespace bayesum {

template <class T>
void Gpt2Backward<T>::head(MatrixView<const float> dlogits, MatrixView<const T> normal,
                           MatrixView<T> dnormal) const {
  MatrixView<const T> gradient;
  if constexpr (Gpt2Weights<T>::kRounded) {
    const MatrixView<T> rounded = activations.dlogits.row_block(0, dlogits.rows);
    const std::size_t size = dlogits.rows * dlogits.cols;
    convert(stream, std::span(dlogits.data, size), std::span(rounded.data, size));
    gradient = rounded;
  } else {
    gradient = dlogits;
  }
  matmul(stream, {.transpose_a = Transpose::kYes, .beta = 1.0f}, gradient, normal,
         at(sink.gradient, places.tokens));
  matmul(stream, {}, gradient, weights.factor(places.tokens), dnormal);
}

template <class T>
void Gpt2Backward<T>::start() const {
  const MatrixView<float>& dstream = activations.dstream;
  apply(stream, FillFloat{.value = 0.0f, .out = dstream.data}, dstream.rows * dstream.cols);
  norm(places.last, activations.exit, activations.mean, activations.rstd);
}

template <class T>
void Gpt2Backward<T>::block(std::size_t l, std::size_t length, std::size_t heads) const {
  const Gpt2Places::Block& place = places.blocks[l];
  const BlockActivations<T>& kept = activations.blocks[l];
  const MatrixView<T>& passing = activations.passing;
  const MatrixView<T>& dbefore = activations.dwide;

  MatrixView<const T> dy = delta(Gpt2Dropout::behind_mlp(l));
  linear(place.mlp_out, kept.hidden, dy);
  matmul_gelu_backward(stream, {.transpose_b = Transpose::kYes}, dy,
                       weights.factor(place.mlp_out.weight), kept.before, dbefore);
  linear(place.mlp_in, kept.normal_2, dbefore);
  through(place.mlp_in, dbefore, passing);
  norm(place.norm_2, kept.middle, kept.mean_2, kept.rstd_2);

  dy = delta(Gpt2Dropout::behind_attention(l));
  linear(place.attention_out, kept.attended, dy);
  through(place.attention_out, dy, passing);
  const MatrixView<T> dqkv(activations.dwide.data, kept.qkv.rows, kept.qkv.cols);
  attention_backward(stream, AttentionBackward<T>{.sequence = length,
                                                  .heads = heads,
                                                  .qkv = kept.qkv,
                                                  .out = kept.attended,
                                                  .log_sum_exp = kept.log_sum_exp,
                                                  .dout = passing,
                                                  .dqkv = dqkv});
  linear(place.attention_in, kept.normal_1, dqkv);
  through(place.attention_in, dqkv, passing);
  norm(place.norm_1, kept.entrance, kept.mean_1, kept.rstd_1);
}

template <class T>
void Gpt2Backward<T>::finish(std::span<const std::int32_t> tokens, std::size_t length) const {
  dropout.apply<float>(stream, 0, activations.dstream, activations.dstream);
  embed_backward(stream,
                 EmbeddingBackward{.tokens = tokens,
                                   .sequence = length,
                                   .dout = activations.dstream,
                                   .token_gradient = at(sink.gradient, places.tokens),
                                   .position_gradient = at(sink.gradient, places.positions)});
  if (sink.final_from) sink.final_from(0);
}

template <class T>
void Gpt2Backward<T>::linear(const Gpt2Places::Linear& place, MatrixView<const T> x,
                             MatrixView<const T> dy) const {
  matmul(stream, {.transpose_a = Transpose::kYes, .beta = 1.0f}, x, dy,
         at(sink.gradient, place.weight));
  if (place.bias.size != 0) add_column_sums(stream, dy, at(sink.gradient, place.bias));
  if (sink.final_from) sink.final_from(place.weight.first);
}

template <class T>
void Gpt2Backward<T>::through(const Gpt2Places::Linear& place, MatrixView<const T> dy,
                              MatrixView<T> dx) const {
  matmul(stream, {.transpose_b = Transpose::kYes}, dy, weights.factor(place.weight), dx);
}

template <class T>
void Gpt2Backward<T>::norm(const Gpt2Places::Norm& place, MatrixView<const float> sum,
                           std::span<const float> mean, std::span<const float> rstd) const {
  MatrixView<T> ddelta;
  if constexpr (Gpt2Weights<T>::kRounded) ddelta = activations.ddelta;
  layer_norm_backward(stream, LayerNormBackward<T>{.sum = sum,
                                                   .dy = activations.passing,
                                                   .gain = weights.vector(place.gain),
                                                   .mean = mean,
                                                   .rstd = rstd,
                                                   .dsum = activations.dstream,
                                                   .ddelta = ddelta,
                                                   .gain_gradient = at(sink.gradient, place.gain),
                                                   .bias_gradient = at(sink.gradient, place.bias)});
  if (sink.final_from) sink.final_from(place.gain.first);
}

template <class T>
MatrixView<const T> Gpt2Backward<T>::delta(std::size_t place) const {
  if constexpr (Gpt2Weights<T>::kRounded) {
    dropout.apply<T>(stream, place, activations.ddelta, activations.ddelta);
    return activations.ddelta;
  } else {
    if (dropout.rate == 0) return activations.dstream;
    dropout.apply<T>(stream, place, activations.dstream, activations.ddelta);
    return activations.ddelta;
  }
}

template struct Gpt2Backward<float>;
template struct Gpt2Backward<BFloat16>;

}  // namespace bayesum
