#pragma once

#include <cstdint>
#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/random.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// Between float32 and BFloat16, to the nearest. Throws Error(kUsage) on unequal sizes.
void convert(const Stream& stream, std::span<const float> from, std::span<BFloat16> to);
void convert(const Stream& stream, std::span<const BFloat16> from, std::span<float> to);

// Rounded stochastically (kernels/bfloat16.hpp): element i takes bits 16 (j % 8) .. 16 (j % 8) + 15
// of block j / 8 of the noise vector `id`, j = first_index + i. The id must name no other noise.
void convert_stochastically(const Stream& stream, NoiseId id, std::uint64_t first_index,
                            std::span<const float> from, std::span<BFloat16> to);

}  // namespace bayesum
