#pragma once

#include <cstddef>
#include <memory>

#include "kernels/bfloat16.hpp"

// One tile of a matrix product, multiplied by the calling thread alone.
namespace bayesum::cpu {

// op(A) m x k, op(B) k x n, C m x n, all at least 1, row-major with these strides.
struct TileShape {
  std::size_t m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;
  std::size_t stride_a = 0, stride_b = 0, stride_c = 0;

  friend bool operator==(const TileShape&, const TileShape&) = default;
};

// BLAS counts in int: Error(kUsage) where a side or a stride is longer. To be asked before the
// threads start.
void check_tile(const TileShape& shape);

// C = alpha op(A) op(B) + beta C. False when the library failed.
[[nodiscard]] bool multiply_tile(const TileShape& shape, float alpha, const float* a,
                                 const float* b, float beta, float* c);

// C = op(A) op(B), or C += op(A) op(B), of BFloat16 summed in float32. What it needs is made when a
// shape is first asked for, before the threads start, and kept for the calling thread; the threads
// of its parallel loop may then call `multiply` together.
class Bfloat16Product {
 public:
  Bfloat16Product(const TileShape& shape, bool accumulate);

  // Floats of scratch that a call of multiply needs.
  std::size_t scratch_size() const;
  // False when the library failed.
  [[nodiscard]] bool multiply(const BFloat16* a, const BFloat16* b, float* c, float* scratch) const;

  struct Prepared;

 private:
  TileShape shape_;
  bool accumulate_;
  std::shared_ptr<Prepared> prepared_;  // null: no instructions for BFloat16, converted instead
};

}  // namespace bayesum::cpu
