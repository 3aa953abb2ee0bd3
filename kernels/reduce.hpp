#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/stream.hpp"

namespace bayesum {

// Reductions in a fixed order: each block of kReduceBlock elements becomes its sum, and so do the
// blocks of those sums, until one is left; the result has the same bits for any number of threads.
// (A CPU and a GPU add the elements inside a block in different orders.) Each waits for the stream,
// since its result is on the host. The sum of nothing is 0.
inline constexpr std::size_t kReduceBlock = 4096;

double sum(const Stream& stream, std::span<const double> x);
double dot(const Stream& stream, std::span<const double> x, std::span<const double> y);
double max_abs(const Stream& stream, std::span<const double> x);  // NaN if any element is NaN
// Of floats, in double precision: finite exactly if they all are.
double sum_of_squares(const Stream& stream, std::span<const float> x);
std::uint64_t count_nonfinite(const Stream& stream, std::span<const double> x);

}  // namespace bayesum
