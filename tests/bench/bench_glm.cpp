// Passes over the rows of a GLM, N = 1e6, d = 100, beside one plain reading of the same matrix.
// "bytes" counts the matrix once.

#include <benchmark/benchmark.h>

#include "kernels/glm_pass.hpp"
#include "tests/bench/bench_data.hpp"

namespace bayesum::bench {
namespace {

constexpr std::size_t kRows = 1000000, kCols = 100;

// Made once: 800 MB.
struct Data {
  Buffer<double> x = noise(kRows * kCols, 0);
  Buffer<double> y{Device{}, kRows};
  Buffer<double> mean = noise(kCols, 1);
  Buffer<double> variance = noise(kCols, 2);
  Buffer<double> inverse_factor{Device{}, kCols* kCols};
  Buffer<double> loss{Device{}, 1};
  Buffer<double> gradient{Device{}, kCols};
  Buffer<double> curvature{Device{}, packed_size(kCols)};

  Data() {
    for (std::size_t i = 0; i < kRows; i += 3) y.data()[i] = 1.0;
    for (double& m : mean.span()) m = 0.2 * (m - 0.5);
    for (double& v : variance.span()) v *= 1e-2;
    for (std::size_t i = 0; i < kCols; ++i) inverse_factor.data()[i * kCols + i] = 0.1;
  }

  GlmPass pass(Likelihood likelihood) {
    return {.likelihood = likelihood,
            .x = {x.data(), kRows, kCols},
            .y = y.span(),
            .mean = mean.span(),
            .loss = loss.data(),
            .gradient = gradient.span()};
  }
};

Data& data() {
  static Data data;
  return data;
}

void run(benchmark::State& state, const GlmPass& pass) {
  const Stream stream;
  for (auto _ : state) {
    glm_pass(stream, pass);
    benchmark::ClobberMemory();
  }
  state.counters["bytes"] = rate(static_cast<double>(sizeof(double) * kRows * kCols));
}

void read_memory(benchmark::State& state) {
  const std::span<const double> x = data().x.span();
  for (auto _ : state) benchmark::DoNotOptimize(read_all(x));
  state.counters["bytes"] = rate(static_cast<double>(sizeof(double) * kRows * kCols));
}

void first_order(benchmark::State& state, Likelihood likelihood) {
  run(state, data().pass(likelihood));
}

void delta_with_curvature(benchmark::State& state, Likelihood likelihood) {
  GlmPass pass = data().pass(likelihood);
  pass.curvature = data().curvature.span();
  run(state, pass);
}

void full_gaussian(benchmark::State& state, Likelihood likelihood) {
  GlmPass pass = data().pass(likelihood);
  pass.inverse_factor = {data().inverse_factor.data(), kCols, kCols};
  pass.curvature = data().curvature.span();
  run(state, pass);
}

void diagonal_gaussian(benchmark::State& state, Likelihood likelihood) {
  GlmPass pass = data().pass(likelihood);
  pass.variance = data().variance.span();
  pass.curvature = data().curvature.span().first(kCols);
  run(state, pass);
}

#define BAYESUM_BENCH_LIKELIHOODS(function)                                    \
  BENCHMARK_CAPTURE(function, logistic, Likelihood::kLogistic)->UseRealTime(); \
  BENCHMARK_CAPTURE(function, poisson, Likelihood::kPoisson)->UseRealTime()
BENCHMARK(read_memory)->UseRealTime();
BAYESUM_BENCH_LIKELIHOODS(first_order);
BAYESUM_BENCH_LIKELIHOODS(delta_with_curvature);
BAYESUM_BENCH_LIKELIHOODS(full_gaussian);
BAYESUM_BENCH_LIKELIHOODS(diagonal_gaussian);

}  // namespace
}  // namespace bayesum::bench

BENCHMARK_MAIN();
