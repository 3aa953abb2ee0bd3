#include "kernels/network/matmul.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <type_traits>

#include "kernels/network/check.hpp"
#include "kernels/network/math.hpp"
#include "kernels/network/product.hpp"
#include "kernels/network/scratch.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

// How one side of C is cut, by its length alone: into pieces of equal size but for the last.
struct Cut {
  std::size_t length = 0, piece = 0;

  std::size_t count() const { return (length + piece - 1) / piece; }
  std::size_t begin(std::size_t i) const { return i * piece; }
  std::size_t size(std::size_t i) const { return std::min(piece, length - begin(i)); }
};

struct Tiling {
  Cut rows, cols;
};

std::size_t parts_of(std::size_t length, std::size_t largest) {
  return (length + largest - 1) / largest;
}

Cut cut(std::size_t length, std::size_t parts) {
  constexpr std::size_t kStep = 32;
  return {length, parts_of(parts_of(length, parts), kStep) * kStep};
}

// Tiles of at most 512 x 512, so that a copy of A or B for one of them serves many multiplications
// and C stays in the cache; smaller ones where there would be fewer than 8.
Tiling tiling_of(std::size_t m, std::size_t n) {
  constexpr std::size_t kLargest = 512, kSmallest = 128, kEnough = 8;
  Tiling tiling{cut(m, parts_of(m, kLargest)), cut(n, parts_of(n, kLargest))};
  while (tiling.rows.count() * tiling.cols.count() < kEnough) {
    Cut& longer = tiling.rows.piece >= tiling.cols.piece ? tiling.rows : tiling.cols;
    if (longer.piece < 2 * kSmallest) break;
    longer = cut(longer.length, 2 * longer.count());
  }
  return tiling;
}

// The fewest rows of C for the tiles below.
constexpr std::size_t kSmallestHigh = 256;

// For a transposed A, a gradient of weights: k is long then and C is not, and the copies of A and B
// are what a tile costs beside its multiplications. Tiles are as high as they may be, and 4 enough.
Tiling high_tiling_of(std::size_t m, std::size_t n) {
  constexpr std::size_t kHighest = 1024, kWidest = 512, kEnough = 4;
  const std::size_t rows = parts_of(m, kHighest);
  return {cut(m, rows), cut(n, std::max(parts_of(n, kWidest), parts_of(kEnough, rows)))};
}

// The product of one tile for operands of type T, into float32.
template <class T>
class TileProduct;

template <>
class TileProduct<float> {
 public:
  TileProduct(const TileShape& shape, float alpha, float beta)
      : shape_(shape), alpha_(alpha), beta_(beta) {
    check_tile(shape);
  }
  std::size_t scratch_size() const { return 0; }
  bool multiply(const float* a, const float* b, float* c, float*) const {
    return multiply_tile(shape_, alpha_, a, b, beta_, c);
  }
  static bool takes(float, float) { return true; }

 private:
  TileShape shape_;
  float alpha_, beta_;
};

template <>
class TileProduct<BFloat16> {
 public:
  TileProduct(const TileShape& shape, float, float beta) : product_(shape, beta != 0.0f) {}
  std::size_t scratch_size() const { return product_.scratch_size(); }
  bool multiply(const BFloat16* a, const BFloat16* b, float* c, float* scratch) const {
    return product_.multiply(a, b, c, scratch);
  }
  static bool takes(float alpha, float beta) {
    return alpha == 1.0f && (beta == 0.0f || beta == 1.0f);
  }

 private:
  Bfloat16Product product_;
};

// C in tiles. A tile is multiplied in place if C is float32 and the product can have its alpha and
// beta, else in scratch. finish(sums, i, j, count) then turns count float32 sums of row i from
// column j into what is stored there.
template <class T, class C, class Finish>
class TiledMatmul {
 public:
  TiledMatmul(const Matmul& op, MatrixView<const T> a, MatrixView<const T> b, MatrixView<C> c,
              const Finish& finish)
      : op_(op), a_(a), b_(b), c_(c), finish_(finish) {
    const bool high =
        std::is_same_v<T, float> && op.transpose_a == Transpose::kYes && c.rows >= kSmallestHigh;
    tiling_ = high ? high_tiling_of(c.rows, c.cols) : tiling_of(c.rows, c.cols);
    k_ = op.transpose_a == Transpose::kYes ? a.rows : a.cols;
    in_place_ = std::is_same_v<C, float> && k_ != 0 && TileProduct<T>::takes(op.alpha, op.beta);
    for (std::size_t i = 0; k_ != 0 && i < 2; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        products_[i][j].emplace(shape(tiling_.rows.size(i == 0 ? 0 : tiling_.rows.count() - 1),
                                      tiling_.cols.size(j == 0 ? 0 : tiling_.cols.count() - 1)),
                                in_place_ ? op.alpha : 1.0f, in_place_ ? op.beta : 0.0f);
      }
    }
  }

  void run() const {
    const std::size_t tile_size = in_place_ ? 0 : tiling_.rows.piece * tiling_.cols.piece;
    const std::size_t extra = k_ == 0 ? 0 : products_[0][0]->scratch_size();
    const ThreadScratch scratch(tile_size + extra);
    std::atomic<bool> failed = false;
    parallel_for(tiling_.rows.count() * tiling_.cols.count(), [&](std::size_t tile) {
      float* const sums = scratch.mine();
      if (!compute(tile / tiling_.cols.count(), tile % tiling_.cols.count(), sums,
                   sums + tile_size)) {
        failed = true;
      }
    });
    if (failed) throw Error(ExitCode::kDevice, "oneDNN failed to multiply matrices");
  }

 private:
  TileShape shape(std::size_t m, std::size_t n) const {
    return {.m = m,
            .n = n,
            .k = k_,
            .transpose_a = op_.transpose_a == Transpose::kYes,
            .transpose_b = op_.transpose_b == Transpose::kYes,
            .stride_a = a_.stride,
            .stride_b = b_.stride,
            .stride_c = in_place_ ? c_.stride : n};
  }

  bool compute(std::size_t row_tile, std::size_t col_tile, float* sums, float* extra) const {
    const std::size_t i = tiling_.rows.begin(row_tile), j = tiling_.cols.begin(col_tile);
    const std::size_t m = tiling_.rows.size(row_tile), n = tiling_.cols.size(col_tile);
    const std::size_t stride = in_place_ ? c_.stride : n;
    if constexpr (std::is_same_v<C, float>) {
      if (in_place_) sums = c_.data + i * c_.stride + j;
    }
    if (k_ == 0) {
      std::fill(sums, sums + m * n, 0.0f);
    } else {
      const auto& product =
          products_[row_tile + 1 == tiling_.rows.count()][col_tile + 1 == tiling_.cols.count()];
      const T* const a = a_.data + (op_.transpose_a == Transpose::kYes ? i : i * a_.stride);
      const T* const b = b_.data + (op_.transpose_b == Transpose::kYes ? j * b_.stride : j);
      if (!product->multiply(a, b, sums, extra)) return false;
    }
    if (in_place_ && finish_.nothing_to_do()) return true;
    for (std::size_t r = 0; r < m; ++r) {
      if (!in_place_) combine(sums + r * stride, i + r, j, n);
      finish_(sums + r * stride, i + r, j, n);
    }
    return true;
  }

  // sums = alpha sums + beta C
  void combine(float* sums, std::size_t i, std::size_t j, std::size_t count) const {
    const float alpha = op_.alpha, beta = op_.beta;
    const C* const c = row_of(c_, i) + j;
    if (beta != 0.0f) {
      BAYESUM_SIMD()
      for (std::size_t k = 0; k < count; ++k) {
        sums[k] = alpha * sums[k] + beta * static_cast<float>(c[k]);
      }
    } else if (alpha != 1.0f) {
      BAYESUM_SIMD()
      for (std::size_t k = 0; k < count; ++k) sums[k] *= alpha;
    }
  }

  const Matmul& op_;
  MatrixView<const T> a_, b_;
  MatrixView<C> c_;
  const Finish& finish_;
  Tiling tiling_;
  std::size_t k_ = 0;
  bool in_place_ = false;
  std::optional<TileProduct<T>> products_[2][2];  // [last row of tiles][last column of tiles]
};

void add_bias(const Matmul& op, float* sums, std::size_t j, std::size_t count) {
  if (op.bias.empty()) return;
  const float* const bias = op.bias.data() + j;
  BAYESUM_SIMD()
  for (std::size_t k = 0; k < count; ++k) sums[k] += bias[k];
}

template <class C>
struct Store {
  const Matmul& op;
  MatrixView<C> c;

  bool nothing_to_do() const { return op.bias.empty(); }
  void operator()(float* sums, std::size_t i, std::size_t j, std::size_t count) const {
    add_bias(op, sums, j, count);
    C* const out = row_of(c, i) + j;
    BAYESUM_SIMD()
    for (std::size_t k = 0; k < count; ++k) store(out[k], sums[k]);
  }
};

template <class T>
struct StoreGelu {
  const Matmul& op;
  MatrixView<T> pre, y;

  bool nothing_to_do() const { return false; }
  void operator()(float* sums, std::size_t i, std::size_t j, std::size_t count) const {
    add_bias(op, sums, j, count);
    T* const x = row_of(pre, i) + j;
    T* const out = row_of(y, i) + j;
    BAYESUM_SIMD()
    for (std::size_t k = 0; k < count; ++k) {
      store(x[k], sums[k]);
      store(out[k], Gelu::value(x[k]));
    }
  }
};

template <class T>
struct StoreTimesSlope {
  MatrixView<const T> pre;
  MatrixView<T> dpre;

  bool nothing_to_do() const { return false; }
  void operator()(const float* sums, std::size_t i, std::size_t j, std::size_t count) const {
    const T* const x = row_of(pre, i) + j;
    T* const out = row_of(dpre, i) + j;
    BAYESUM_SIMD()
    for (std::size_t k = 0; k < count; ++k) {
      store(out[k], sums[k] * Gelu::slope(static_cast<float>(x[k])));
    }
  }
};

template <class T, class C, class Finish>
void in_tiles(const Matmul& op, MatrixView<const T> a, MatrixView<const T> b, MatrixView<C> c,
              const Finish& finish) {
  TiledMatmul<T, C, Finish>(op, a, b, c, finish).run();
}

}  // namespace

void matmul(const Stream&, const Matmul& op, MatrixView<const float> a, MatrixView<const float> b,
            MatrixView<float> c) {
  in_tiles(op, a, b, c, Store<float>{op, c});
}

void matmul(const Stream&, const Matmul& op, MatrixView<const BFloat16> a,
            MatrixView<const BFloat16> b, MatrixView<float> c) {
  in_tiles(op, a, b, c, Store<float>{op, c});
}

void matmul(const Stream&, const Matmul& op, MatrixView<const BFloat16> a,
            MatrixView<const BFloat16> b, MatrixView<BFloat16> c) {
  in_tiles(op, a, b, c, Store<BFloat16>{op, c});
}

void matmul_gelu(const Stream&, const Matmul& op, MatrixView<const float> a,
                 MatrixView<const float> b, MatrixView<float> pre, MatrixView<float> y) {
  in_tiles(op, a, b, pre, StoreGelu<float>{op, pre, y});
}

void matmul_gelu(const Stream&, const Matmul& op, MatrixView<const BFloat16> a,
                 MatrixView<const BFloat16> b, MatrixView<BFloat16> pre, MatrixView<BFloat16> y) {
  in_tiles(op, a, b, pre, StoreGelu<BFloat16>{op, pre, y});
}

void matmul_gelu_backward(const Stream&, const Matmul& op, MatrixView<const float> a,
                          MatrixView<const float> b, MatrixView<const float> pre,
                          MatrixView<float> dpre) {
  in_tiles(op, a, b, dpre, StoreTimesSlope<float>{pre, dpre});
}

void matmul_gelu_backward(const Stream&, const Matmul& op, MatrixView<const BFloat16> a,
                          MatrixView<const BFloat16> b, MatrixView<const BFloat16> pre,
                          MatrixView<BFloat16> dpre) {
  in_tiles(op, a, b, dpre, StoreTimesSlope<BFloat16>{pre, dpre});
}

}  // namespace cpu

namespace {

// False when there is nothing to compute.
template <class T, class C>
bool check_matmul(const Matmul& op, MatrixView<const T> a, MatrixView<const T> b, MatrixView<C> c) {
  const bool ta = op.transpose_a == Transpose::kYes, tb = op.transpose_b == Transpose::kYes;
  const std::size_t k = ta ? a.rows : a.cols;
  check_shape("the left factor of a product", a, ta ? k : c.rows, ta ? c.rows : k);
  check_shape("the right factor of a product", b, tb ? c.cols : k, tb ? k : c.cols);
  if (!op.bias.empty()) check_size("the bias of a product", op.bias.size(), c.cols);
  return c.rows != 0 && c.cols != 0;
}

void check_plain(const Matmul& op, bool allow_bias) {
  if (op.beta == 0.0f && (allow_bias || op.bias.empty())) return;
  throw Error(ExitCode::kUsage, "a product with GELU was given what it does not take: beta" +
                                    std::string(allow_bias ? "" : " or a bias"));
}

template <class T, class C>
void check_and_multiply(const Stream& stream, const Matmul& op, MatrixView<const T> a,
                        MatrixView<const T> b, MatrixView<C> c) {
  if (check_matmul(op, a, b, c)) BAYESUM_DISPATCH(stream, matmul(stream, op, a, b, c));
}

template <class T>
void check_and_activate(const Stream& stream, const Matmul& op, MatrixView<const T> a,
                        MatrixView<const T> b, MatrixView<T> pre, MatrixView<T> y) {
  check_plain(op, true);
  check_shape("the output of GELU", y, pre.rows, pre.cols);
  if (check_matmul(op, a, b, pre)) {
    BAYESUM_DISPATCH(stream, matmul_gelu(stream, op, a, b, pre, y));
  }
}

template <class T>
void check_and_go_back(const Stream& stream, const Matmul& op, MatrixView<const T> a,
                       MatrixView<const T> b, MatrixView<const T> pre, MatrixView<T> dpre) {
  check_plain(op, false);
  check_shape("the input of GELU", pre, dpre.rows, dpre.cols);
  if (check_matmul(op, a, b, dpre)) {
    BAYESUM_DISPATCH(stream, matmul_gelu_backward(stream, op, a, b, pre, dpre));
  }
}

}  // namespace

void matmul(const Stream& stream, const Matmul& op, MatrixView<const float> a,
            MatrixView<const float> b, MatrixView<float> c) {
  check_and_multiply(stream, op, a, b, c);
}

void matmul(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
            MatrixView<const BFloat16> b, MatrixView<float> c) {
  check_and_multiply(stream, op, a, b, c);
}

void matmul(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
            MatrixView<const BFloat16> b, MatrixView<BFloat16> c) {
  check_and_multiply(stream, op, a, b, c);
}

void matmul_gelu(const Stream& stream, const Matmul& op, MatrixView<const float> a,
                 MatrixView<const float> b, MatrixView<float> pre, MatrixView<float> y) {
  check_and_activate(stream, op, a, b, pre, y);
}

void matmul_gelu(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
                 MatrixView<const BFloat16> b, MatrixView<BFloat16> pre, MatrixView<BFloat16> y) {
  check_and_activate(stream, op, a, b, pre, y);
}

void matmul_gelu_backward(const Stream& stream, const Matmul& op, MatrixView<const float> a,
                          MatrixView<const float> b, MatrixView<const float> pre,
                          MatrixView<float> dpre) {
  check_and_go_back(stream, op, a, b, pre, dpre);
}

void matmul_gelu_backward(const Stream& stream, const Matmul& op, MatrixView<const BFloat16> a,
                          MatrixView<const BFloat16> b, MatrixView<const BFloat16> pre,
                          MatrixView<BFloat16> dpre) {
  check_and_go_back(stream, op, a, b, pre, dpre);
}

}  // namespace bayesum
