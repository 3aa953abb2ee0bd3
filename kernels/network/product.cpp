#include "kernels/network/product.hpp"

#include <cblas.h>

#include "kernels/blas.hpp"
#include "kernels/network/matmul.hpp"
#include "kernels/network/simd.hpp"

#ifdef BAYESUM_WITH_ONEDNN
#include <omp.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

#include "kernels/buffer.hpp"
#endif

namespace bayesum::cpu {

namespace {

// A block of a matrix as it lies in memory, to float32 without gaps.
void widen(const BFloat16* from, std::size_t rows, std::size_t cols, std::size_t stride,
           float* to) {
  for (std::size_t i = 0; i < rows; ++i) {
    const BFloat16* const row = from + i * stride;
    float* const out = to + i * cols;
    BAYESUM_SIMD()
    for (std::size_t j = 0; j < cols; ++j) out[j] = row[j];
  }
}

bool multiply_widened(const TileShape& shape, bool accumulate, const BFloat16* a, const BFloat16* b,
                      float* c, float* scratch) {
  TileShape wide = shape;
  wide.stride_a = shape.transpose_a ? shape.m : shape.k;
  wide.stride_b = shape.transpose_b ? shape.k : shape.n;
  float* const wide_b = scratch + shape.m * shape.k;
  widen(a, shape.transpose_a ? shape.k : shape.m, wide.stride_a, shape.stride_a, scratch);
  widen(b, shape.transpose_b ? shape.n : shape.k, wide.stride_b, shape.stride_b, wide_b);
  return multiply_tile(wide, 1.0f, scratch, wide_b, accumulate ? 1.0f : 0.0f, c);
}

int blas_size(std::size_t size) { return static_cast<int>(size); }  // of a tile that was checked

void multiply_by_openblas(const TileShape& s, float alpha, const float* a, const float* b,
                          float beta, float* c) {
  cblas_sgemm(CblasRowMajor, s.transpose_a ? CblasTrans : CblasNoTrans,
              s.transpose_b ? CblasTrans : CblasNoTrans, blas_size(s.m), blas_size(s.n),
              blas_size(s.k), alpha, a, blas_size(s.stride_a), b, blas_size(s.stride_b), beta, c,
              blas_size(s.stride_c));
}

std::size_t widened_size(const TileShape& shape) { return shape.m * shape.k + shape.k * shape.n; }

}  // namespace

void check_tile(const TileShape& s) {
  for (const std::size_t size : {s.m, s.n, s.k, s.stride_a, s.stride_b, s.stride_c}) blas_int(size);
}

#ifdef BAYESUM_WITH_ONEDNN

namespace {

// oneDNN takes as many threads as it finds: one, while this is in scope.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

bool processor_has(dnnl::cpu_isa isa) {
  const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto wanted = static_cast<unsigned>(isa);
  return (has & wanted) == wanted;
}

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::desc describe(std::size_t rows, std::size_t cols, dnnl::memory::data_type type,
                            bool transposed, std::size_t stride) {
  const auto dim = [](std::size_t size) { return static_cast<dnnl::memory::dim>(size); };
  using Dims = dnnl::memory::dims;
  return {Dims{dim(rows), dim(cols)}, type,
          transposed ? Dims{1, dim(stride)} : Dims{dim(stride), 1}};
}

struct Key {
  TileShape shape;
  bool accumulate;
  friend bool operator==(const Key&, const Key&) = default;
};

struct HashKey {
  std::size_t operator()(const Key& key) const {
    const TileShape& s = key.shape;
    std::size_t hash = 0;
    for (const std::size_t part :
         {s.m, s.n, s.k, s.stride_a, s.stride_b, s.stride_c, std::size_t{s.transpose_a},
          std::size_t{s.transpose_b}, std::size_t{key.accumulate}}) {
      hash = (hash ^ part) * 0x9E3779B97F4A7C15u;
      hash ^= hash >> 29;
    }
    return hash;
  }
};

}  // namespace

// OpenBLAS is the faster one at a large left factor that is transposed: a gradient of weights.
bool multiply_tile(const TileShape& s, float alpha, const float* a, const float* b, float beta,
                   float* c) {
  constexpr std::size_t kLarge = 256;
  if (s.transpose_a && s.m >= kLarge) {
    multiply_by_openblas(s, alpha, a, b, beta, c);
    return true;
  }
  const OneThread one;
  return dnnl_sgemm(s.transpose_a ? 'T' : 'N', s.transpose_b ? 'T' : 'N', blas_size(s.m),
                    blas_size(s.n), blas_size(s.k), alpha, a, blas_size(s.stride_a), b,
                    blas_size(s.stride_b), beta, c, blas_size(s.stride_c)) == dnnl_success;
}

// A primitive, and for each thread of the loop what an execution is given.
struct Bfloat16Product::Prepared {
  struct Arguments {
    dnnl::stream stream;
    dnnl::memory a, b, c, scratchpad;
    Buffer<std::byte> memory;
  };

  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
  std::vector<Arguments> arguments;

  Prepared(const TileShape& s, bool accumulate) {
    using Type = dnnl::memory::data_type;
    const OneThread one;
    const auto a = describe(s.m, s.k, Type::bf16, s.transpose_a, s.stride_a);
    const auto b = describe(s.k, s.n, Type::bf16, s.transpose_b, s.stride_b);
    const auto c = describe(s.m, s.n, Type::f32, false, s.stride_c);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (accumulate) {
      dnnl::post_ops sum;
      sum.append_sum(1.0f);
      attributes.set_post_ops(sum);
    }
    description = {dnnl::matmul::desc(a, b, c), attributes, cpu_engine()};
    primitive = dnnl::matmul(description);
  }

  void serve(int threads) {
    while (arguments.size() < static_cast<std::size_t>(threads)) {
      const auto bytes = description.scratchpad_desc().get_size();
      Buffer<std::byte> memory(Device{}, std::max<std::size_t>(bytes, 1));
      const auto place = [](const dnnl::memory::desc& desc) {
        return dnnl::memory(desc, cpu_engine(), nullptr);
      };
      dnnl::memory scratchpad(description.scratchpad_desc(), cpu_engine(), memory.data());
      arguments.push_back({dnnl::stream(cpu_engine()), place(description.src_desc()),
                           place(description.weights_desc()), place(description.dst_desc()),
                           std::move(scratchpad), std::move(memory)});
    }
  }

  bool execute(const BFloat16* a, const BFloat16* b, float* c) {
    Arguments& mine = arguments[static_cast<std::size_t>(thread_index())];
    const OneThread one;
    const auto set = [](dnnl::memory& memory, const void* data) {
      return dnnl_memory_set_data_handle(memory.get(), const_cast<void*>(data)) == dnnl_success;
    };
    if (!set(mine.a, a) || !set(mine.b, b) || !set(mine.c, c)) return false;
    const dnnl_exec_arg_t list[] = {{DNNL_ARG_SRC, mine.a.get()},
                                    {DNNL_ARG_WEIGHTS, mine.b.get()},
                                    {DNNL_ARG_DST, mine.c.get()},
                                    {DNNL_ARG_SCRATCHPAD, mine.scratchpad.get()}};
    return dnnl_primitive_execute(primitive.get(), mine.stream.get(), 4, list) == dnnl_success;
  }
};

Bfloat16Product::Bfloat16Product(const TileShape& shape, bool accumulate)
    : shape_(shape), accumulate_(accumulate) {
  if (!processor_has(dnnl::cpu_isa::avx512_core_bf16)) {
    check_tile(shape);
    return;
  }
  constexpr std::size_t kKept = 512;
  thread_local std::unordered_map<Key, std::shared_ptr<Prepared>, HashKey> kept;
  try {
    std::shared_ptr<Prepared>& prepared = kept[{shape, accumulate}];
    if (!prepared) prepared = std::make_shared<Prepared>(shape, accumulate);
    prepared->serve(std::max(1, thread_count()));
    prepared_ = prepared;
  } catch (const dnnl::error& error) {
    throw Error(ExitCode::kDevice, std::string("oneDNN cannot multiply BFloat16: ") + error.what());
  }
  if (kept.size() > kKept) kept.clear();
}

#else

struct Bfloat16Product::Prepared {
  bool execute(const BFloat16*, const BFloat16*, float*) { return false; }
};

bool multiply_tile(const TileShape& s, float alpha, const float* a, const float* b, float beta,
                   float* c) {
  multiply_by_openblas(s, alpha, a, b, beta, c);
  return true;
}

Bfloat16Product::Bfloat16Product(const TileShape& shape, bool accumulate)
    : shape_(shape), accumulate_(accumulate) {
  check_tile(shape);
}

#endif

std::size_t Bfloat16Product::scratch_size() const { return prepared_ ? 0 : widened_size(shape_); }

bool Bfloat16Product::multiply(const BFloat16* a, const BFloat16* b, float* c,
                               float* scratch) const {
  if (prepared_) return prepared_->execute(a, b, c);
  return multiply_widened(shape_, accumulate_, a, b, c, scratch);
}

}  // namespace bayesum::cpu
