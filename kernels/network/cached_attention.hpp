#pragma once

#include <cstddef>

#include "kernels/bfloat16.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// The next tokens of sequences whose earlier keys and values are kept. Row b n + i of qkv is the
// i-th of n new tokens of sequence b; its key and value are written to row b capacity + cached + i
// of the caches, and it attends to rows b capacity .. b capacity + cached + i of them.
// Throws Error(kUsage) when cached + n goes past the capacity.
template <class T>
struct CachedAttention {
  std::size_t batch = 1;
  std::size_t heads = 1;
  std::size_t cached = 0;     // tokens of each sequence in the caches
  MatrixView<const T> qkv{};  // (batch n) x 3 channels
  MatrixView<T> keys{};       // (batch capacity) x channels
  MatrixView<T> values{};
  MatrixView<T> out{};  // (batch n) x channels
};
void cached_attention(const Stream& stream, const CachedAttention<float>& op);
void cached_attention(const Stream& stream, const CachedAttention<BFloat16>& op);

}  // namespace bayesum
