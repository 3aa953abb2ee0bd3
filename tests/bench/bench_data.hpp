#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <span>

#include "kernels/buffer.hpp"
#include "kernels/parallel.hpp"
#include "kernels/random.hpp"

namespace bayesum::bench {

// Noise, drawn by the threads that will read it.
inline Buffer<double> noise(std::size_t size, std::uint32_t draw) {
  Buffer<double> data(Device{}, size);
  fill_uniform(Stream(), {.seed = 1, .draw = draw}, 0, data.span());
  return data;
}

// One reading of the memory by all threads, in pieces dealt as the kernels deal theirs.
inline double read_all(std::span<const double> data) {
  constexpr std::size_t kPiece = 1 << 15, kWays = 32;
  Buffer<double> sums(Device{}, (data.size() + kPiece - 1) / kPiece);
  cpu::parallel_ranges(data.size(), kPiece, [&](std::size_t begin, std::size_t end) {
    double way[kWays] = {};
    for (std::size_t i = begin; i + kWays <= end; i += kWays) {
      for (std::size_t k = 0; k < kWays; ++k) way[k] += data[i + k];
    }
    for (const double sum : way) sums.data()[begin / kPiece] += sum;
  });
  return sums.data()[0];
}

inline benchmark::Counter rate(double per_iteration) {
  return {per_iteration, benchmark::Counter::kIsIterationInvariantRate};
}

}  // namespace bayesum::bench
