#pragma once

#include <cstdint>
#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/random.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// out_i = x_i / keep where element first_index + i of the noise vector `id` keeps it, else 0; keep
// is 1 - rate rounded to a multiple of 2^-16. Element j is kept when bits 16 (j % 8) .. 16 (j % 8)
// + 15 of Philox block j / 8 are below 65536 keep (kernels/philox.hpp). No mask is stored: the
// backward pass is the same call on the gradient. `out` may be x. The id must name no other noise.
// Throws Error(kUsage) unless 0 <= rate < 1 (and keep > 0).
template <class T>
struct Dropout {
  NoiseId id{};
  std::uint64_t first_index = 0;
  float rate = 0.0f;
  std::span<const T> x{};
  std::span<T> out{};
};
void dropout(const Stream& stream, const Dropout<float>& op);
void dropout(const Stream& stream, const Dropout<BFloat16>& op);

// 65536 keep, for both twins.
inline std::uint32_t dropout_threshold(float rate) {
  return 65536u - static_cast<std::uint32_t>(rate * 65536.0f + 0.5f);
}

}  // namespace bayesum
