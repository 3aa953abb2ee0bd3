// Forward and backward of GPT-2, the whole of a micro-step without the optimizer: nanoGPT's
// configuration for a CPU (4 layers, 4 heads, 128 channels, context 64, batch 12, 65 characters),
// its character GPT for a GPU (6 layers, 6 heads, 384 channels, context 256, batch 16), and GPT-2
// 124M at 4 x 64, which is llm.c's. "tokens" a second; "flops" as flops_per_token counts them;
// "of_sgemm", their share of a 2048-sized sgemm measured in the same run.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "kernels/network/matmul.hpp"
#include "models/network/gpt2.hpp"
#include "tests/bench/bench_data.hpp"

namespace bayesum::bench {
namespace {

struct Job {
  Gpt2Shape shape;
  std::size_t rows;
};

Job job(std::int64_t which) {
  if (which == 0) {
    return {{.vocabulary = 65,
             .context = 64,
             .layers = 4,
             .heads = 4,
             .channels = 128,
             .biases = false},
            12};
  }
  if (which == 1) {
    return {{.vocabulary = 65,
             .context = 256,
             .layers = 6,
             .heads = 6,
             .channels = 384,
             .biases = false},
            16};
  }
  return {{.context = 64, .vocabulary_multiple = 128}, 4};
}

// Operations a second of C = A B, 2048 x 2048 x 2048, the best of several.
double sgemm_rate() {
  constexpr std::size_t kSize = 2048;
  Buffer<float> a(Device{}, kSize * kSize), b(Device{}, kSize * kSize), c(Device{}, kSize * kSize);
  const Stream stream;
  fill_normal(stream, {.seed = 1}, 0, a.span());
  fill_normal(stream, {.seed = 2}, 0, b.span());
  double best = 1e30;
  for (int i = 0; i < 7; ++i) {
    const auto before = std::chrono::steady_clock::now();
    matmul(stream, {}, MatrixView<const float>(a.data(), kSize, kSize),
           MatrixView<const float>(b.data(), kSize, kSize),
           MatrixView<float>(c.data(), kSize, kSize));
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count());
  }
  return 2.0 * kSize * kSize * kSize / best;
}

void step(benchmark::State& state, Precision precision) {
  static const double sgemm = sgemm_rate();
  const Job work = job(state.range(0));
  const Gpt2Config config{.shape = work.shape,
                          .dropout = state.range(1) == 0 ? 0 : 0.1,
                          .recompute = state.range(2) != 0,
                          .precision = precision};
  Gpt2 network(config);
  const Stream stream;
  const std::size_t length = work.shape.context, tokens = work.rows * length;
  std::vector<float> theta(network.parameters().size()), gradient(theta.size());
  fill_normal(stream, {.seed = 1}, 0, std::span<float>(theta));
  for (float& weight : theta) weight *= 0.02f;
  std::vector<std::int32_t> text(tokens + 1);
  for (std::size_t t = 0; t < text.size(); ++t) {
    text[t] = static_cast<std::int32_t>(t * 7919 % work.shape.vocabulary);
  }
  const ExampleBatch batch{.rows = work.rows,
                           .length = length,
                           .tokens = std::span(text).first(tokens),
                           .features = {},
                           .targets = std::span(text).last(tokens),
                           .response = {}};
  std::array<double, WeightMessage::kScalars> counts{};
  network.accumulate(stream, theta, batch, {}, {.gradient = gradient}, counts);
  double best = 1e30;
  for (auto _ : state) {
    const auto before = std::chrono::steady_clock::now();
    network.accumulate(stream, theta, batch, {}, {.gradient = gradient}, counts);
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count());
  }
  const double flops = flops_per_token(config, length) * static_cast<double>(tokens);
  state.counters["best_ms"] = 1e3 * best;
  state.counters["tokens"] = static_cast<double>(tokens) / best;
  state.counters["flops"] = flops / best;
  state.counters["of_sgemm"] = flops / best / sgemm;
}

void cases(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"job", "dropout", "recompute"});
  benchmark->Args({0, 0, 0})->Args({0, 1, 0})->Args({1, 0, 0})->Args({2, 0, 0})->Args({2, 0, 1});
  benchmark->UseRealTime()->Unit(benchmark::kMillisecond)->MinTime(3.0);
}
BENCHMARK_CAPTURE(step, float32, Precision::kFloat32)->Apply(cases);
BENCHMARK_CAPTURE(step, bfloat16, Precision::kBFloat16)->Apply(cases);

}  // namespace
}  // namespace bayesum::bench

BENCHMARK_MAIN();
