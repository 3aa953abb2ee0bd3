#pragma once

#include <cstddef>
#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// Causal self-attention of many heads. A row of `qkv` is a token, its queries, keys and values side
// by side, head after head, as GPT-2's c_attn writes them: [Q_0 .. Q_H-1 | K_0 .. | V_0 ..], each
// of head_size columns; channels = heads head_size. Token t of a sequence sees tokens 0 .. t:
//
//   s_tu = q_t . k_u / sqrt(head_size)    l_t = log sum_{u <= t} exp s_tu
//   out_t = sum_{u <= t} exp(s_tu - l_t) v_u
//
// in blocks of keys, so that no matrix of sequence x sequence is held, and l is kept for the
// backward pass, which computes the probabilities anew. Arithmetic is float32, but for cuDNN's, see
// cudnn_attention.hpp. Dao et al., "FlashAttention", NeurIPS 2022. Throws Error(kUsage) when shapes
// do not fit.
template <class T>
struct Attention {
  std::size_t sequence = 0;  // tokens of a sequence; the rows are a multiple
  std::size_t heads = 1;
  MatrixView<const T> qkv{};        // rows x 3 channels
  MatrixView<T> out{};              // rows x channels
  MatrixView<float> log_sum_exp{};  // (sequences heads) x sequence
};
void attention(const Stream& stream, const Attention<float>& op);
void attention(const Stream& stream, const Attention<BFloat16>& op);

// dqkv, written, from dout.
template <class T>
struct AttentionBackward {
  std::size_t sequence = 0;
  std::size_t heads = 1;
  MatrixView<const T> qkv{};
  MatrixView<const T> out{};
  MatrixView<const float> log_sum_exp{};
  MatrixView<const T> dout{};
  MatrixView<T> dqkv{};  // rows x 3 channels
};
void attention_backward(const Stream& stream, const AttentionBackward<float>& op);
void attention_backward(const Stream& stream, const AttentionBackward<BFloat16>& op);

// Can the device do it, and the backward pass where it is asked for? On a GPU heads have at most
// 128 channels, Error(kUsage), and their tiles must fit into the shared memory of a block,
// Error(kDevice) with both numbers. To be asked before a training starts.
void check_attention(const Stream& stream, std::size_t head_size, bool backward);

}  // namespace bayesum
