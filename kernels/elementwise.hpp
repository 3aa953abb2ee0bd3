#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "kernels/host_device.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// The argument struct of an elementwise operation is its functor: `apply` walks i = 0 .. size-1.

// The Bayesian learning rule in natural parameters:
//   out = (1 - rho) current + rho (prior + message)
struct Blend {
  double rho;
  const double* current;
  const double* prior;
  const double* message;
  double* out;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    out[i] = (1.0 - rho) * current[i] + rho * (prior[i] + message[i]);
  }
};

// out += scale * x, into every out_stride-th element
template <class T>
struct AddScaledOf {
  T scale;
  const T* x;
  T* out;
  std::size_t out_stride = 1;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const { out[i * out_stride] += scale * x[i]; }
};
using AddScaled = AddScaledOf<double>;
using AddScaledFloat = AddScaledOf<float>;

// out *= scale
struct Scale {
  double scale;
  double* out;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const { out[i] *= scale; }
};

// out = value, in every out_stride-th element
template <class T>
struct FillOf {
  T value;
  T* out;
  std::size_t out_stride = 1;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const { out[i * out_stride] = value; }
};
using Fill = FillOf<double>;
using FillFloat = FillOf<float>;

// out = x y
struct Multiply {
  const double* x;
  const double* y;
  double* out;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const { out[i] = x[i] * y[i]; }
};

// out = table[index], the indices whole numbers
struct LookUp {
  const double* table;
  const double* index;
  double* out;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    out[i] = table[static_cast<std::size_t>(index[i])];
  }
};

// out = the squares of a matrix of so many columns, contiguous
struct SquareElements {
  const double* x;
  std::size_t cols;
  std::size_t stride;
  double* out;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const double value = x[i / cols * stride + i % cols];
    out[i] = value * value;
  }
};

// From a packed symmetric matrix S to the natural parameters of a Gaussian with precision S,
// packed: out += -S_ii / 2 on the diagonal and -S_ij off it. i walks the packed lower triangle, in
// which the diagonal ends each row: 8 i + 9 is the square of 2 row + 3 there, and nowhere else.
struct AddPackedPrecision {
  const double* precision;
  double* out;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const double root = std::sqrt(8.0 * static_cast<double>(i) + 9.0);
    const bool diagonal = root == std::floor(root);
    out[i] -= (diagonal ? 0.5 : 1.0) * precision[i];
  }
};

// A row of a regression with Student-t noise of nu degrees of freedom, its latent precision u
// resolved: with s = precision (y - predictor)^2 + spread,
//   weight = row_weight (nu + 1) / (nu + s)
//   loss   = row_weight (nu + 1)/2 log(1 + s/nu)
// given 1/nu, so that 0 is the Gaussian limit: weight row_weight, loss row_weight s/2. No
// row_weight: ones.
struct StudentTWeight {
  double inverse_degrees;
  double precision;
  const double* y;
  const double* predictor;
  const double* spread;
  const double* row_weight;
  double* weight;
  double* loss;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const double w = row_weight == nullptr ? 1.0 : row_weight[i];
    const double r = y[i] - predictor[i];
    const double s = precision * r * r + spread[i];
    const double nu_plus_one = 1.0 + inverse_degrees;  // over nu
    const double log_over_nu =
        inverse_degrees == 0.0 ? s : std::log1p(inverse_degrees * s) / inverse_degrees;
    weight[i] = w * nu_plus_one / (1.0 + inverse_degrees * s);
    loss[i] = 0.5 * w * nu_plus_one * log_over_nu;
  }
};

// The gradient of the log precision tau of a regression's noise, as one element. Of n responses
// with the sum of squared errors s the loss is [exp(tau) s - n tau] / 2 and more without tau:
//   gradient += (exp(tau) s - n) / 2
struct AddLogPrecisionGradient {
  const float* log_precision;
  const double* squared_error;
  double responses;
  float* gradient;
  BAYESUM_HOST_DEVICE void operator()(std::size_t) const {
    const double precision = std::exp(static_cast<double>(*log_precision));
    *gradient += static_cast<float>(0.5 * (precision * *squared_error - responses));
  }
};

// The sum over rows of the squares of that gradient, from the slopes exp(tau) (f - y) of the
// outputs, contiguous; as one element, whose sum is in the order of the rows.
struct AddLogPrecisionSquares {
  const float* log_precision;
  const float* slopes;
  std::size_t rows;
  std::size_t cols;
  float* squares;
  BAYESUM_HOST_DEVICE void operator()(std::size_t) const {
    const double precision = std::exp(static_cast<double>(*log_precision));
    double sum = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      double gradient = 0;
      for (std::size_t j = 0; j < cols; ++j) {
        const double slope = static_cast<double>(slopes[row * cols + j]);
        gradient += 0.5 * (slope * slope / precision - 1.0);
      }
      sum += gradient * gradient;
    }
    *squares += static_cast<float>(sum);
  }
};

void apply(const Stream& stream, const Blend& op, std::size_t size);
void apply(const Stream& stream, const AddScaled& op, std::size_t size);
void apply(const Stream& stream, const AddScaledFloat& op, std::size_t size);
void apply(const Stream& stream, const Scale& op, std::size_t size);
void apply(const Stream& stream, const Fill& op, std::size_t size);
void apply(const Stream& stream, const FillFloat& op, std::size_t size);
void apply(const Stream& stream, const Multiply& op, std::size_t size);
void apply(const Stream& stream, const LookUp& op, std::size_t size);
void apply(const Stream& stream, const AddPackedPrecision& op, std::size_t size);
void apply(const Stream& stream, const SquareElements& op, std::size_t size);
void apply(const Stream& stream, const StudentTWeight& op, std::size_t size);
void apply(const Stream& stream, const AddLogPrecisionGradient& op, std::size_t size);
void apply(const Stream& stream, const AddLogPrecisionSquares& op, std::size_t size);

}  // namespace bayesum
