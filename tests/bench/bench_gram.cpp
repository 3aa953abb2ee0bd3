// X' diag(w) X, the lower triangle: this project's, weights included, beside OpenBLAS on the same
// matrix without weights, syrk on as many threads and gemm of the whole product. "flops" counts
// n d (d + 1) for a triangle and 2 n d^2 for gemm.

#include <benchmark/benchmark.h>
#include <cblas.h>

#include "kernels/gram.hpp"
#include "tests/bench/bench_data.hpp"

namespace bayesum::bench {
namespace {

struct Data {
  std::size_t n, d;
  Buffer<double> x, w, out;

  explicit Data(const benchmark::State& state)
      : n((std::size_t{1} << 25) / static_cast<std::size_t>(state.range(0))),
        d(static_cast<std::size_t>(state.range(0))),
        x(noise(n * d, 0)),
        w(noise(n, 1)),
        out(Device{}, d * d) {}

  double triangle_flops() const { return static_cast<double>(n * d * (d + 1)); }
};

// OpenBLAS with as many threads as this project, for as long as it is in scope.
struct BlasThreads {
  BlasThreads() { openblas_set_num_threads(cpu::thread_count()); }
  ~BlasThreads() { openblas_set_num_threads(1); }
};

void weighted_gram(benchmark::State& state) {
  const Stream stream;
  Data data(state);
  for (auto _ : state) {
    bayesum::weighted_gram(stream, {data.x.data(), data.n, data.d}, data.w.span(),
                           data.out.span().first(packed_size(data.d)));
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = rate(data.triangle_flops());
}

void openblas_syrk(benchmark::State& state) {
  Data data(state);
  const BlasThreads threads;
  const int n = static_cast<int>(data.n), d = static_cast<int>(data.d);
  for (auto _ : state) {
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, d, n, 1.0, data.x.data(), d, 0.0,
                data.out.data(), d);
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = rate(data.triangle_flops());
}

void openblas_gemm(benchmark::State& state) {
  Data data(state);
  const BlasThreads threads;
  const int n = static_cast<int>(data.n), d = static_cast<int>(data.d);
  for (auto _ : state) {
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, d, d, n, 1.0, data.x.data(), d,
                data.x.data(), d, 0.0, data.out.data(), d);
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = rate(2.0 * static_cast<double>(data.n * data.d * data.d));
}

#define BAYESUM_BENCH_DIMENSIONS(function) \
  BENCHMARK(function)->Arg(32)->Arg(64)->Arg(100)->Arg(128)->Arg(256)->Arg(512)->UseRealTime()
BAYESUM_BENCH_DIMENSIONS(weighted_gram);
BAYESUM_BENCH_DIMENSIONS(openblas_syrk);
BAYESUM_BENCH_DIMENSIONS(openblas_gemm);

}  // namespace
}  // namespace bayesum::bench

BENCHMARK_MAIN();
