#include "kernels/network/floats.hpp"

#include "kernels/network/elements.hpp"
#include "kernels/network/half_words.cuh"
#include "kernels/network/twins.hpp"

namespace bayesum::cuda {

void convert(const Stream& stream, std::span<const float> from, std::span<BFloat16> to) {
  for_each(stream, to.size(), ConvertElement<float, BFloat16>{from.data(), to.data()});
}

void convert(const Stream& stream, std::span<const BFloat16> from, std::span<float> to) {
  for_each(stream, to.size(), ConvertElement<BFloat16, float>{from.data(), to.data()});
}

void convert_stochastically(const Stream& stream, NoiseId id, std::uint64_t first_index,
                            std::span<const float> from, std::span<BFloat16> to) {
  with_half_words(stream, id, first_index, to.size(), RoundElement{from.data(), to.data()});
}

}  // namespace bayesum::cuda
