// One step of the rules of weights, beside a copy of memory in the same run, on the CPU or, by
// --device cuda, on a GPU. "bytes" counts what a step must move, each array read or written once;
// arguments are millions of weights.

#include <benchmark/benchmark.h>

#include <cstring>

#include "kernels/elementwise.hpp"
#include "kernels/reduce.hpp"
#include "kernels/weights/steps.hpp"
#include "tests/bench/bench_data.hpp"

namespace bayesum::bench {
namespace {

struct Weights {
  Stream stream{chosen_device()};
  std::size_t size;
  Buffer<float> mean, curvature, momentum, gradient, theta;

  explicit Weights(const benchmark::State& state)
      : size(static_cast<std::size_t>(state.range(0)) * 1'000'000),
        mean(filled(0)),
        curvature(chosen_device(), size),
        momentum(filled(0)),
        gradient(filled(2)),
        theta(filled(3)) {
    apply(stream, FillOf<float>{.value = 0.1f, .out = curvature.data()}, size);
    apply(stream, AddScaledSquare{1.0f, gradient.data(), curvature.data()}, size);
  }

  Momentum running() { return {0.9f, 0.1f, 1e-3f, 1.0f, momentum.data()}; }
  IvonStep ivon() {
    return {.form = IvonCurvature::kPriceHere,
            .momentum = running(),
            .step = {1e-4f, 1e-6f, 1e-3f, mean.data()},
            .rate = 1e-5f,
            .scale = 1e3f,
            .floor = 0.0f,
            .gradient = gradient.data(),
            .second = nullptr,
            .theta = theta.data(),
            .curvature = curvature.data()};
  }

 private:
  Buffer<float> filled(std::uint32_t draw) const {
    Buffer<float> buffer(chosen_device(), size);
    fill_normal(stream, {.seed = 1, .draw = draw}, 0, buffer.span());
    return buffer;
  }
};

template <class Body>
void timed(benchmark::State& state, Weights& weights, double bytes, const Body& body) {
  for (auto _ : state) {
    body();
    weights.stream.synchronize();
    benchmark::ClobberMemory();
  }
  state.counters["bytes"] = rate(bytes * static_cast<double>(weights.size));
}

void memory_copy(benchmark::State& state) {
  Weights w(state);
  timed(state, w, 8, [&] {
    if (w.stream.on_cuda()) return copy<float>(w.stream, w.mean.span(), w.theta.span());
    cpu::parallel_ranges(w.size, 1 << 16, [&](std::size_t begin, std::size_t end) {
      std::memcpy(w.theta.data() + begin, w.mean.data() + begin, (end - begin) * sizeof(float));
    });
  });
}

void adamw(benchmark::State& state) {
  Weights w(state);
  const AdamStep step{.momentum = w.running(),
                      .rate = 1e-4f,
                      .decay = 0.1f,
                      .epsilon = 1e-8f,
                      .beta2 = 0.95f,
                      .rest2 = 0.05f,
                      .inverse_root2 = 1.0f,
                      .gradient = w.gradient.data(),
                      .mean = w.mean.data(),
                      .curvature = w.curvature.data()};
  timed(state, w, 28, [&] { apply(w.stream, step, w.size); });
}

// The noise of the world: theta - m is recovered.
void ivon(benchmark::State& state) {
  Weights w(state);
  const IvonStep step = w.ivon();
  timed(state, w, 32, [&] { apply(w.stream, step, w.size); });
}

void ivon_and_next_draw(benchmark::State& state) {
  Weights w(state);
  const IvonStep step = w.ivon();
  const NextDraw next{{{.seed = 7}, 0}, 1e-5f, w.theta.data()};
  timed(state, w, 36, [&] { apply(w.stream, step, next, w.size); });
}

void draw(benchmark::State& state) {
  Weights w(state);
  const DrawGaussian op{1e-5f, 1e-6f, w.mean.data(), w.curvature.data(), w.theta.data()};
  timed(state, w, 12, [&] { apply(w.stream, op, {{.seed = 7}, 0}, w.size); });
}

void normal_noise(benchmark::State& state) {
  Weights w(state);
  timed(state, w, 4, [&] { fill_normal(w.stream, {.seed = 7}, 0, w.theta.span()); });
}

void teach(benchmark::State& state) {
  Weights w(state);
  const AddDeviationGradient op{w.theta.data(), w.mean.data(), w.gradient.data(),
                                w.momentum.data()};
  timed(state, w, 20, [&] { apply(w.stream, op, w.size); });
}

void norm(benchmark::State& state) {
  Weights w(state);
  timed(state, w, 4,
        [&] { benchmark::DoNotOptimize(sum_of_squares(w.stream, w.gradient.span())); });
}

#define BAYESUM_BENCH_WEIGHTS(function)                                                \
  BENCHMARK(function)->Arg(8)->Arg(124)->UseRealTime()->MeasureProcessCPUTime()->Unit( \
      benchmark::kMillisecond)
BAYESUM_BENCH_WEIGHTS(memory_copy);
BAYESUM_BENCH_WEIGHTS(adamw);
BAYESUM_BENCH_WEIGHTS(ivon);
BAYESUM_BENCH_WEIGHTS(ivon_and_next_draw);
BAYESUM_BENCH_WEIGHTS(draw);
BAYESUM_BENCH_WEIGHTS(normal_noise);
BAYESUM_BENCH_WEIGHTS(teach);
BAYESUM_BENCH_WEIGHTS(norm);

}  // namespace
}  // namespace bayesum::bench

int main(int count, char** arguments) { return bayesum::bench::run_on_device(count, arguments); }
