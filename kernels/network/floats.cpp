#include "kernels/network/floats.hpp"

#include "kernels/network/check.hpp"
#include "kernels/network/elements.hpp"
#include "kernels/network/half_word_loop.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {

void convert(const Stream&, std::span<const float> from, std::span<BFloat16> to) {
  for_each_element(to.size(), ConvertElement<float, BFloat16>{from.data(), to.data()});
}

void convert(const Stream&, std::span<const BFloat16> from, std::span<float> to) {
  for_each_element(to.size(), ConvertElement<BFloat16, float>{from.data(), to.data()});
}

void convert_stochastically(const Stream&, NoiseId id, std::uint64_t first_index,
                            std::span<const float> from, std::span<BFloat16> to) {
  with_half_words(id, first_index, to.size(), RoundElement{from.data(), to.data()});
}

}  // namespace cpu

void convert(const Stream& stream, std::span<const float> from, std::span<BFloat16> to) {
  check_size("a vector to be converted", from.size(), to.size());
  BAYESUM_DISPATCH(stream, convert(stream, from, to));
}

void convert(const Stream& stream, std::span<const BFloat16> from, std::span<float> to) {
  check_size("a vector to be converted", from.size(), to.size());
  BAYESUM_DISPATCH(stream, convert(stream, from, to));
}

void convert_stochastically(const Stream& stream, NoiseId id, std::uint64_t first_index,
                            std::span<const float> from, std::span<BFloat16> to) {
  check_size("a vector to be converted", from.size(), to.size());
  BAYESUM_DISPATCH(stream, convert_stochastically(stream, id, first_index, from, to));
}

}  // namespace bayesum
