#pragma once

#include <span>

#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// Dense lower-triangular algebra, row-major, float64. It waits for the stream only where a result
// on the host is returned, and throws Error(kUsage) when shapes do not fit.

// A = L L' in place: reads and writes the lower triangle, sets the strict upper one to zero.
// Returns false (A then holds nothing of use) when A is not positive definite or not finite.
[[nodiscard]] bool cholesky(const Stream& stream, MatrixView<double> a);

// Solves L x = b (kLower) or L' x = b (kLowerTransposed) in place for every ROW of b, L
// lower-triangular d x d, b n x d. With L the Cholesky factor of a precision matrix, x = L^-T eps
// is a draw of N(0, A^-1) and |L^-1 x|^2 is x' A^-1 x.
enum class Triangle { kLower, kLowerTransposed };
void solve_triangular(const Stream& stream, Triangle triangle, MatrixView<const double> l,
                      MatrixView<double> b);

// Solves A x = b in place for every row of b, given the factor L of A.
void solve_cholesky(const Stream& stream, MatrixView<const double> l, MatrixView<double> b);

// inverse = L^-1, lower-triangular, strict upper triangle zero; not the memory of L.
void invert_triangular(const Stream& stream, MatrixView<const double> l,
                       MatrixView<double> inverse);

// log det A = 2 sum_i log L_ii.
double log_determinant(const Stream& stream, MatrixView<const double> l);

// Packed lower triangle <-> full symmetric matrix: dense = scale * (the symmetric matrix).
void unpack_symmetric(const Stream& stream, double scale, std::span<const double> packed,
                      MatrixView<double> dense);

}  // namespace bayesum
