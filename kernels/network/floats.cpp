#include "kernels/network/floats.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/buffer.hpp"
#include "kernels/network/check.hpp"
#include "kernels/network/half_words.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"
#include "kernels/reduce.hpp"

namespace bayesum {

namespace cpu {
namespace {

// sum of term(x_i), each block of kReduceBlock in float64 lanes, and then the blocks.
template <class Term>
double sum_of(const Stream& stream, std::span<const float> x) {
  const std::size_t blocks = (x.size() + kReduceBlock - 1) / kReduceBlock;
  Buffer<double> partial(Device{}, blocks);
  double* const out = partial.data();
  parallel_ranges(x.size(), kReduceBlock, [&](std::size_t begin, std::size_t end) {
    const float* const values = x.data();
    double total = 0.0;
    BAYESUM_SIMD(reduction(+ : total))
    for (std::size_t i = begin; i < end; ++i) total += Term()(values[i]);
    out[begin / kReduceBlock] = total;
  });
  return cpu::sum(stream, std::span<const double>(partial.span()));
}

struct Square {
  double operator()(float x) const { return static_cast<double>(x) * static_cast<double>(x); }
};

struct IsNotFinite {
  double operator()(float x) const { return x - x == 0.0f ? 0.0 : 1.0; }
};

}  // namespace

double sum_squares(const Stream& stream, std::span<const float> x) {
  return sum_of<Square>(stream, x);
}

std::uint64_t count_nonfinite(const Stream& stream, std::span<const float> x) {
  return static_cast<std::uint64_t>(sum_of<IsNotFinite>(stream, x));
}

void convert(const Stream&, std::span<const float> from, std::span<BFloat16> to) {
  for_each_element(to.size(),
                   [x = from.data(), y = to.data()](std::size_t i) { store(y[i], x[i]); });
}

void convert(const Stream&, std::span<const BFloat16> from, std::span<float> to) {
  for_each_element(to.size(), [x = from.data(), y = to.data()](std::size_t i) { y[i] = x[i]; });
}

void convert_stochastically(const Stream&, NoiseId id, std::uint64_t first_index,
                            std::span<const float> from, std::span<BFloat16> to) {
  with_half_words(id, first_index, to.size(),
                  [x = from.data(), y = to.data()](std::size_t i, std::uint32_t random) {
                    y[i].set_bits(round_stochastically(x[i], random).bits());
                  });
}

}  // namespace cpu

double sum_squares(const Stream& stream, std::span<const float> x) {
  return BAYESUM_NETWORK_DISPATCH(stream, sum_squares(stream, x));
}

std::uint64_t count_nonfinite(const Stream& stream, std::span<const float> x) {
  return BAYESUM_NETWORK_DISPATCH(stream, count_nonfinite(stream, x));
}

void convert(const Stream& stream, std::span<const float> from, std::span<BFloat16> to) {
  check_size("a vector to be converted", from.size(), to.size());
  BAYESUM_NETWORK_DISPATCH(stream, convert(stream, from, to));
}

void convert(const Stream& stream, std::span<const BFloat16> from, std::span<float> to) {
  check_size("a vector to be converted", from.size(), to.size());
  BAYESUM_NETWORK_DISPATCH(stream, convert(stream, from, to));
}

void convert_stochastically(const Stream& stream, NoiseId id, std::uint64_t first_index,
                            std::span<const float> from, std::span<BFloat16> to) {
  check_size("a vector to be converted", from.size(), to.size());
  BAYESUM_NETWORK_DISPATCH(stream, convert_stochastically(stream, id, first_index, from, to));
}

}  // namespace bayesum
