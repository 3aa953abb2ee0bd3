#include "kernels/reduce.hpp"

#include <string>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reduce_ops.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

// Interleaved, so that additions need not wait for one another.
template <class Load, class Combine>
double reduce_block(std::size_t begin, std::size_t end, const Load& load, const Combine& combine) {
  constexpr std::size_t kWays = 8;
  double way[kWays] = {};
  std::size_t i = begin;
  for (; i + kWays <= end; i += kWays) {
    BAYESUM_SIMD()
    for (std::size_t k = 0; k < kWays; ++k) way[k] = combine(way[k], load(i + k));
  }
  for (std::size_t k = 0; i < end; ++i, ++k) way[k] = combine(way[k], load(i));
  for (std::size_t half = kWays / 2; half > 0; half /= 2) {
    for (std::size_t k = 0; k < half; ++k) way[k] = combine(way[k], way[k + half]);
  }
  return way[0];
}

template <class Load, class Combine>
double reduce(std::size_t size, const Load& load, const Combine& combine) {
  if (size <= kReduceBlock) return reduce_block(0, size, load, combine);
  const std::size_t blocks = (size + kReduceBlock - 1) / kReduceBlock;
  Buffer<double> partial(Device{}, blocks);
  double* const out = partial.data();
  parallel_ranges(size, kReduceBlock, [&](std::size_t begin, std::size_t end) {
    out[begin / kReduceBlock] = reduce_block(begin, end, load, combine);
  });
  return reduce(blocks, LoadValue{out}, combine);
}

}  // namespace

double sum(const Stream&, std::span<const double> x) {
  return reduce(x.size(), LoadValue{x.data()}, Plus{});
}

double dot(const Stream&, std::span<const double> x, std::span<const double> y) {
  return reduce(x.size(), LoadProduct{x.data(), y.data()}, Plus{});
}

double max_abs(const Stream&, std::span<const double> x) {
  return reduce(x.size(), LoadMagnitude{x.data()}, LargestOrNan{});
}

double sum_of_squares(const Stream&, std::span<const float> x) {
  return reduce(x.size(), LoadSquare{x.data()}, Plus{});
}

std::uint64_t count_nonfinite(const Stream&, std::span<const double> x) {
  return static_cast<std::uint64_t>(reduce(x.size(), LoadNonfinite{x.data()}, Plus{}));
}

}  // namespace cpu

double sum(const Stream& stream, std::span<const double> x) {
  return BAYESUM_DISPATCH(stream, sum(stream, x));
}

double dot(const Stream& stream, std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) {
    throw Error(ExitCode::kUsage, "dot of " + std::to_string(x.size()) + " elements with " +
                                      std::to_string(y.size()));
  }
  return BAYESUM_DISPATCH(stream, dot(stream, x, y));
}

double max_abs(const Stream& stream, std::span<const double> x) {
  return BAYESUM_DISPATCH(stream, max_abs(stream, x));
}

double sum_of_squares(const Stream& stream, std::span<const float> x) {
  return BAYESUM_DISPATCH(stream, sum_of_squares(stream, x));
}

std::uint64_t count_nonfinite(const Stream& stream, std::span<const double> x) {
  return BAYESUM_DISPATCH(stream, count_nonfinite(stream, x));
}

}  // namespace bayesum
