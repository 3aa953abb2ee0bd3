// The operations of networks at the shapes of GPT-2 (768 channels) and of a character GPT (128 and
// 384). "flops" of a product is 2 m n k, of attention those under the causal triangle: 2 T^2 C a
// sequence forward, 5 T^2 C backward. "bytes" counts each array once for each time it must be read
// or written. openblas is plain sgemm on as many threads.

#include <benchmark/benchmark.h>
#include <cblas.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "kernels/buffer.hpp"
#include "kernels/network/activation.hpp"
#include "kernels/network/attention.hpp"
#include "kernels/network/cached_attention.hpp"
#include "kernels/network/cross_entropy.hpp"
#include "kernels/network/dropout.hpp"
#include "kernels/network/floats.hpp"
#include "kernels/network/layer_norm.hpp"
#include "kernels/network/matmul.hpp"
#include "kernels/reduce.hpp"
#include "tests/bench/bench_data.hpp"

namespace bayesum::bench {
namespace {

template <class T>
Buffer<T> random_buffer(std::size_t size, std::uint32_t draw) {
  Buffer<float> wide(Device{}, size);
  const Stream stream;
  fill_normal(stream, {.seed = 1, .draw = draw}, 0, wide.span());
  if constexpr (std::is_same_v<T, float>) {
    return wide;
  } else {
    Buffer<T> narrow(Device{}, size);
    convert(stream, std::span<const float>(wide.span()), narrow.span());
    return narrow;
  }
}

enum Pass { kForward, kInput, kWeight };  // Y = X W, dX = dY W', dW += X' dY

// rows x in to rows x out: the factors of each pass, and what it writes.
template <class T>
struct Layer {
  std::size_t rows, in, out;
  Pass pass;
  Buffer<T> x, w, y;
  Buffer<float> dw;

  explicit Layer(const benchmark::State& state)
      : rows(static_cast<std::size_t>(state.range(0))),
        in(static_cast<std::size_t>(state.range(1))),
        out(static_cast<std::size_t>(state.range(2))),
        pass(static_cast<Pass>(state.range(3))),
        x(random_buffer<T>(rows * in, 0)),
        w(random_buffer<T>(in * out, 1)),
        y(random_buffer<T>(rows * out, 2)),
        dw(Device{}, in * out) {}

  double flops() const { return 2.0 * static_cast<double>(rows * in * out); }
};

template <class T>
void product(benchmark::State& state) {
  const Stream stream;
  Layer<T> layer(state);
  const MatrixView<T> x(layer.x.data(), layer.rows, layer.in),
      w(layer.w.data(), layer.in, layer.out), y(layer.y.data(), layer.rows, layer.out);
  const MatrixView<float> dw(layer.dw.data(), layer.in, layer.out);
  for (auto _ : state) {
    switch (layer.pass) {
      case kForward:
        matmul(stream, {}, x, w, y);
        break;
      case kInput:
        matmul(stream, {.transpose_b = Transpose::kYes}, y, w, x);
        break;
      case kWeight:
        matmul(stream, {.transpose_a = Transpose::kYes, .beta = 1.0f}, x, y, dw);
        break;
    }
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = rate(layer.flops());
}

void openblas(benchmark::State& state) {
  Layer<float> layer(state);
  openblas_set_num_threads(cpu::thread_count());
  const int rows = static_cast<int>(layer.rows), in = static_cast<int>(layer.in),
            out = static_cast<int>(layer.out);
  for (auto _ : state) {
    switch (layer.pass) {
      case kForward:
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, out, in, 1.0f, layer.x.data(),
                    in, layer.w.data(), out, 0.0f, layer.y.data(), out);
        break;
      case kInput:
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, in, out, 1.0f, layer.y.data(),
                    out, layer.w.data(), out, 0.0f, layer.x.data(), in);
        break;
      case kWeight:
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, in, out, rows, 1.0f, layer.x.data(),
                    in, layer.y.data(), out, 1.0f, layer.dw.data(), out);
        break;
    }
    benchmark::ClobberMemory();
  }
  openblas_set_num_threads(1);
  state.counters["flops"] = rate(layer.flops());
}

void layers(benchmark::internal::Benchmark* benchmark) {
  for (const int pass : {kForward, kInput, kWeight}) {
    benchmark->Args({512, 128, 384, pass});
    benchmark->Args({4096, 128, 512, pass});
    benchmark->Args({4096, 384, 1536, pass});
    benchmark->Args({512, 768, 2304, pass});
    benchmark->Args({1024, 768, 3072, pass});
    benchmark->Args({1024, 3072, 768, pass});
  }
  benchmark->UseRealTime();
}
BENCHMARK(product<float>)->Apply(layers);
BENCHMARK(product<BFloat16>)->Apply(layers);
BENCHMARK(openblas)->Apply(layers);

template <class T>
struct Heads {
  std::size_t batch, sequence, heads, channels, rows;
  Buffer<T> qkv, out, dout, dqkv;
  Buffer<float> log_sum_exp;

  explicit Heads(const benchmark::State& state)
      : batch(static_cast<std::size_t>(state.range(0))),
        sequence(static_cast<std::size_t>(state.range(1))),
        heads(static_cast<std::size_t>(state.range(2))),
        channels(heads * static_cast<std::size_t>(state.range(3))),
        rows(batch * sequence),
        qkv(random_buffer<T>(rows * 3 * channels, 0)),
        out(Device{}, rows * channels),
        dout(random_buffer<T>(rows * channels, 1)),
        dqkv(Device{}, rows * 3 * channels),
        log_sum_exp(Device{}, rows * heads) {}

  void forward(const Stream& stream) {
    attention(stream, Attention<T>{.sequence = sequence,
                                   .heads = heads,
                                   .qkv = {qkv.data(), rows, 3 * channels},
                                   .out = {out.data(), rows, channels},
                                   .log_sum_exp = {log_sum_exp.data(), batch * heads, sequence}});
  }
  void backward(const Stream& stream) {
    attention_backward(
        stream, AttentionBackward<T>{.sequence = sequence,
                                     .heads = heads,
                                     .qkv = {qkv.data(), rows, 3 * channels},
                                     .out = {out.data(), rows, channels},
                                     .log_sum_exp = {log_sum_exp.data(), batch * heads, sequence},
                                     .dout = {dout.data(), rows, channels},
                                     .dqkv = {dqkv.data(), rows, 3 * channels}});
  }
  double triangle() const { return static_cast<double>(batch * sequence * sequence * channels); }
};

template <class T>
void attention_forward(benchmark::State& state) {
  const Stream stream;
  Heads<T> heads(state);
  for (auto _ : state) heads.forward(stream);
  state.counters["flops"] = rate(2.0 * heads.triangle());
}

template <class T>
void attention_backward(benchmark::State& state) {
  const Stream stream;
  Heads<T> heads(state);
  heads.forward(stream);
  for (auto _ : state) heads.backward(stream);
  state.counters["flops"] = rate(5.0 * heads.triangle());
}

// One token more for each sequence of a batch, the caches full but for it.
void attention_cached(benchmark::State& state) {
  const Stream stream;
  Heads<float> heads(state);
  Buffer<float> values(Device{}, heads.rows * heads.channels);
  for (auto _ : state) {
    cached_attention(
        stream, CachedAttention<float>{.batch = heads.batch,
                                       .heads = heads.heads,
                                       .cached = heads.sequence - 1,
                                       .qkv = {heads.qkv.data(), heads.batch, 3 * heads.channels},
                                       .keys = {heads.dout.data(), heads.rows, heads.channels},
                                       .values = {values.data(), heads.rows, heads.channels},
                                       .out = {heads.out.data(), heads.batch, heads.channels}});
  }
  state.counters["bytes"] = rate(8.0 * static_cast<double>(heads.rows * heads.channels));
}

void head_shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({16, 64, 4, 32})->Args({16, 256, 6, 64})->Args({16, 256, 4, 16});
  benchmark->Args({4, 1024, 12, 64})->Args({1, 1024, 8, 128})->UseRealTime();
}
BENCHMARK(attention_forward<float>)->Apply(head_shapes);
BENCHMARK(attention_forward<BFloat16>)->Apply(head_shapes);
BENCHMARK(attention_backward<float>)->Apply(head_shapes);
BENCHMARK(attention_backward<BFloat16>)->Apply(head_shapes);
BENCHMARK(attention_cached)->Apply(head_shapes);

constexpr std::size_t kRows = 4096;

template <class T>
void layer_norm_forward(benchmark::State& state) {
  const Stream stream;
  const auto channels = static_cast<std::size_t>(state.range(0)), size = kRows * channels;
  auto residual = random_buffer<float>(size, 0), gain = random_buffer<float>(channels, 1);
  auto delta = random_buffer<T>(size, 2);
  Buffer<T> y(Device{}, size);
  Buffer<float> mean(Device{}, kRows), rstd(Device{}, kRows);
  for (auto _ : state) {
    layer_norm(stream, LayerNorm<T>{.residual = {residual.data(), kRows, channels},
                                    .delta = {delta.data(), kRows, channels},
                                    .sum = {residual.data(), kRows, channels},
                                    .gain = gain.span(),
                                    .bias = gain.span(),
                                    .y = {y.data(), kRows, channels},
                                    .mean = mean.span(),
                                    .rstd = rstd.span()});
  }
  state.counters["bytes"] = rate(static_cast<double>(size * (8 + 2 * sizeof(T))));
}

template <class T>
void layer_norm_gradient(benchmark::State& state) {
  const Stream stream;
  const auto channels = static_cast<std::size_t>(state.range(0)), size = kRows * channels;
  auto sum = random_buffer<float>(size, 0), gain = random_buffer<float>(channels, 1);
  auto dy = random_buffer<T>(size, 2);
  Buffer<float> dsum(Device{}, size), gradient(Device{}, channels);
  const std::vector<float> mean(kRows, 0.0f), rstd(kRows, 1.0f);
  for (auto _ : state) {
    layer_norm_backward(stream, LayerNormBackward<T>{.sum = {sum.data(), kRows, channels},
                                                     .dy = {dy.data(), kRows, channels},
                                                     .gain = gain.span(),
                                                     .mean = mean,
                                                     .rstd = rstd,
                                                     .dsum = {dsum.data(), kRows, channels},
                                                     .gain_gradient = gradient.span(),
                                                     .bias_gradient = gradient.span()});
  }
  state.counters["bytes"] = rate(static_cast<double>(size * (12 + sizeof(T))));
}

template <class T>
void gelu(benchmark::State& state) {
  const Stream stream;
  const std::size_t size = kRows * static_cast<std::size_t>(state.range(0));
  auto x = random_buffer<T>(size, 0);
  Buffer<T> y(Device{}, size);
  for (auto _ : state) {
    activate(stream, Activation::kGelu, std::span<const T>(x.span()), y.span());
  }
  state.counters["bytes"] = rate(static_cast<double>(2 * size * sizeof(T)));
}

template <class T>
void gelu_gradient(benchmark::State& state) {
  const Stream stream;
  const std::size_t size = kRows * static_cast<std::size_t>(state.range(0));
  auto x = random_buffer<T>(size, 0), dy = random_buffer<T>(size, 1);
  Buffer<T> dx(Device{}, size);
  for (auto _ : state) {
    activate_backward(stream, Activation::kGelu, std::span<const T>(x.span()),
                      std::span<const T>(dy.span()), dx.span());
  }
  state.counters["bytes"] = rate(static_cast<double>(3 * size * sizeof(T)));
}

template <class T>
void dropped(benchmark::State& state) {
  const Stream stream;
  const std::size_t size = kRows * static_cast<std::size_t>(state.range(0));
  auto x = random_buffer<T>(size, 0);
  Buffer<T> y(Device{}, size);
  for (auto _ : state) {
    dropout(stream, Dropout<T>{.id = {1, 2, 3}, .rate = 0.1f, .x = x.span(), .out = y.span()});
  }
  state.counters["bytes"] = rate(static_cast<double>(2 * size * sizeof(T)));
}

void widths(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(128)->Arg(768)->Arg(3072)->UseRealTime();
}
BENCHMARK(layer_norm_forward<float>)->Apply(widths);
BENCHMARK(layer_norm_forward<BFloat16>)->Apply(widths);
BENCHMARK(layer_norm_gradient<float>)->Apply(widths);
BENCHMARK(layer_norm_gradient<BFloat16>)->Apply(widths);
BENCHMARK(gelu<float>)->Apply(widths);
BENCHMARK(gelu<BFloat16>)->Apply(widths);
BENCHMARK(gelu_gradient<float>)->Apply(widths);
BENCHMARK(gelu_gradient<BFloat16>)->Apply(widths);
BENCHMARK(dropped<float>)->Apply(widths);

// Logits are read once for the softmax and once for the gradient, which is written. They become
// their own gradient, so that later passes see other numbers: the work is the same.
template <class T>
void softmax_cross_entropy(benchmark::State& state) {
  const Stream stream;
  const auto rows = static_cast<std::size_t>(state.range(0));
  const auto classes = static_cast<std::size_t>(state.range(1));
  const std::size_t width = (classes + 63) / 64 * 64;
  auto logits = random_buffer<T>(rows * width, 0);
  const std::vector<std::int32_t> targets(rows, 1);
  Buffer<double> sums(Device{}, kLossSums);
  for (auto _ : state) {
    cross_entropy(stream, CrossEntropy<T>{.logits = {logits.data(), rows, width},
                                          .classes = classes,
                                          .targets = targets,
                                          .sums = sums.span()});
  }
  state.counters["bytes"] = rate(static_cast<double>(3 * rows * width * sizeof(T)));
}
BENCHMARK(softmax_cross_entropy<float>)->Args({4096, 65})->Args({512, 50257})->UseRealTime();
BENCHMARK(softmax_cross_entropy<BFloat16>)->Args({4096, 65})->Args({512, 50257})->UseRealTime();

void squares(benchmark::State& state) {
  const Stream stream;
  const auto x = random_buffer<float>(std::size_t{1} << 24, 0);
  for (auto _ : state) benchmark::DoNotOptimize(sum_of_squares(stream, x.span()));
  state.counters["bytes"] = rate(static_cast<double>(4 * x.size()));
}
BENCHMARK(squares)->UseRealTime();

}  // namespace
}  // namespace bayesum::bench

BENCHMARK_MAIN();
