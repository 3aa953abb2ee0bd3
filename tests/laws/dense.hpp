#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/matrix.hpp"

// Naive dense algebra in extended precision, to hold results against.
namespace bayesum::oracle {

using Real = long double;
using Vector = std::vector<Real>;

inline constexpr Real kTwoPi = 6.283185307179586476925286766559005768L;

// A square matrix, row-major.
struct Matrix {
  std::size_t size = 0;
  Vector values;

  explicit Matrix(std::size_t n) : size(n), values(n * n) {}
  Real& operator()(std::size_t i, std::size_t j) { return values[i * size + j]; }
  Real operator()(std::size_t i, std::size_t j) const { return values[i * size + j]; }
};

inline Real dot(const Vector& a, const Vector& b) {
  Real sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

inline Vector multiply(const Matrix& a, const Vector& x) {
  Vector y(a.size);
  for (std::size_t i = 0; i < a.size; ++i) {
    for (std::size_t j = 0; j < a.size; ++j) y[i] += a(i, j) * x[j];
  }
  return y;
}

inline Matrix multiply(const Matrix& a, const Matrix& b) {
  Matrix c(a.size);
  for (std::size_t i = 0; i < a.size; ++i) {
    for (std::size_t j = 0; j < a.size; ++j) {
      for (std::size_t k = 0; k < a.size; ++k) c(i, j) += a(i, k) * b(k, j);
    }
  }
  return c;
}

// A = L L'. Throws when A is not positive definite.
inline Matrix cholesky(const Matrix& a) {
  Matrix l(a.size);
  for (std::size_t i = 0; i < a.size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      Real sum = a(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= l(i, k) * l(j, k);
      if (i == j && !(sum > 0)) throw std::domain_error("not positive definite");
      l(i, j) = i == j ? std::sqrt(sum) : sum / l(j, j);
    }
  }
  return l;
}

inline Real log_determinant(const Matrix& a) {
  const Matrix l = cholesky(a);
  Real sum = 0;
  for (std::size_t i = 0; i < a.size; ++i) sum += 2 * std::log(l(i, i));
  return sum;
}

// x with A x = b, A symmetric positive definite.
inline Vector solve(const Matrix& a, Vector b) {
  const Matrix l = cholesky(a);
  for (std::size_t i = 0; i < a.size; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= l(i, k) * b[k];
    b[i] /= l(i, i);
  }
  for (std::size_t i = a.size; i-- > 0;) {
    for (std::size_t k = i + 1; k < a.size; ++k) b[i] -= l(k, i) * b[k];
    b[i] /= l(i, i);
  }
  return b;
}

inline Matrix inverse(const Matrix& a) {
  Matrix inverse(a.size);
  for (std::size_t j = 0; j < a.size; ++j) {
    Vector unit(a.size);
    unit[j] = 1;
    const Vector column = solve(a, unit);
    for (std::size_t i = 0; i < a.size; ++i) inverse(i, j) = column[i];
  }
  return inverse;
}

// |A| |A^-1| in the Frobenius norm: at least the condition number.
inline Real condition(const Matrix& a) {
  const Matrix b = inverse(a);
  return std::sqrt(dot(a.values, a.values) * dot(b.values, b.values));
}

// Symmetric A -> [-A_ii / 2 on the packed diagonal, -A_ij below it], and back.
inline Vector packed(const Matrix& a) {
  Vector out;
  for (std::size_t i = 0; i < a.size; ++i) {
    for (std::size_t j = 0; j < i; ++j) out.push_back(-a(i, j));
    out.push_back(-a(i, i) / 2);
  }
  return out;
}

inline Matrix unpacked(std::span<const double> packed, std::size_t size) {
  Matrix a(size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      a(i, j) = a(j, i) = (i == j ? -2.0L : -1.0L) * packed[packed_index(i, j)];
    }
  }
  return a;
}

}  // namespace bayesum::oracle
