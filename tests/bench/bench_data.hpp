#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <iostream>
#include <span>
#include <string_view>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"
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

// Where the benchmarks of a program run that takes --device.
inline Device& chosen_device() {
  static Device device;
  return device;
}

// The main function of such a program: Google Benchmark's options, --device cpu and --device cuda.
inline int run_on_device(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  const std::string_view option = count > 1 ? arguments[1] : "",
                         name = count > 2 ? arguments[2] : "";
  if (count != 1 && (count != 3 || option != "--device" || (name != "cpu" && name != "cuda"))) {
    std::cerr << arguments[0] << ": beyond those of Google Benchmark the one option is --device, "
              << "cpu or cuda\n";
    return static_cast<int>(ExitCode::kUsage);
  }
  if (name == "cuda") chosen_device() = {DeviceKind::kCuda, 0};
  try {
    const Stream there(chosen_device());
    benchmark::RunSpecifiedBenchmarks();
  } catch (const Error& error) {
    std::cerr << arguments[0] << ": " << error.what() << '\n';
    return static_cast<int>(error.code());
  }
  return 0;
}

}  // namespace bayesum::bench
