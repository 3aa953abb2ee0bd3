#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "kernels/buffer.hpp"
#include "kernels/host_device.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// What a block of rows teaches about the coefficients of softmax regression. Class 0 is the
// reference, with logit 0; class c has logit x' theta_c, theta_c the elements (c-1) d .. c d - 1 of
// theta, so that theta has D = (C-1) d of them. With p the probabilities of the other C-1 classes
// and e the indicator of class y, sums of derivatives of the negative log-likelihood, averaged over
// S draws of theta:
//   loss      += sum_i w_i mean_s [-log p(y_i)]
//   gradient  += sum_i w_i mean_s [p - e] (x) x_i                 (D)
//   curvature += sum_i w_i mean_s [diag p - p p'] (x) x_i x_i'    (packed D, or diagonal D)
// The curvature is positive semi-definite. Its weights are averaged over draws before they meet x,
// so that it costs one X' diag(w) X a pair of classes, whatever S.
struct SoftmaxPass {
  MatrixView<const double> x{};      // n x d
  std::span<const double> y{};       // n, the index of the class
  std::span<const double> weight{};  // n; empty: ones
  std::size_t classes = 2;           // C >= 2
  MatrixView<const double> draws{};  // S x D, contiguous rows

  // Sums, on the stream's device, added to; each may be left out. D elements of curvature take the
  // diagonal alone. (D = 1: both are the same.)
  std::span<double> gradient{};
  std::span<double> curvature{};
};

// What a pass works in, on its stream's device: kept by the caller for the next pass, it grows to
// the largest.
struct SoftmaxMemory {
  Buffer<double> logits, loss, residual, product;
  Buffer<double> work;  // full: a packed gram; diagonal: the squares of x
};

// One pass over the rows, in fixed blocks and orders; returns the loss, and so waits for the
// stream. A class that is not below C makes it NaN. Error(kUsage) when the sizes do not fit.
[[nodiscard]] double softmax_pass(const Stream& stream, const SoftmaxPass& pass,
                                  SoftmaxMemory& memory);

// What that pass does with the logits of row i, the elementwise operation of its twins.
struct SoftmaxRows {
  std::size_t rows, draws, others;  // others: C-1
  const double* y;
  const double* weight;  // or null
  double* logits;        // rows x (draws others); become probabilities
  double* loss;          // w mean_s [-log p(y)]
  double* residual;      // rows x others: w mean_s [p - e]
  double* product;  // packed pair of classes x rows: w mean_s [p_a p_b], [p_a (1 - p_a)]; or null

  // Turns one draw's logits into probabilities; returns -log p(y), and through `first` that of the
  // reference class.
  BAYESUM_HOST_DEVICE double normalise(double* z, std::size_t label, double& first) const {
    double largest = 0.0;
    for (std::size_t a = 0; a < others; ++a) largest = z[a] > largest ? z[a] : largest;
    const double own = label == 0 ? 0.0 : z[label - 1];
    double sum = std::exp(-largest);
    for (std::size_t a = 0; a < others; ++a) sum += std::exp(z[a] - largest);
    for (std::size_t a = 0; a < others; ++a) z[a] = std::exp(z[a] - largest) / sum;
    first = std::exp(-largest) / sum;
    return std::log(sum) + (largest - own);
  }

  BAYESUM_HOST_DEVICE void add_products(const double* p, double first, double scale,
                                        std::size_t i) const {
    for (std::size_t a = 0; a < others; ++a) {
      double* const own = product + (a * (a + 1) / 2 + a) * rows + i;
      *own += scale * p[a] * first;
      for (std::size_t b = 0; b < a; ++b) {
        const double pair = scale * p[a] * p[b];
        product[(a * (a + 1) / 2 + b) * rows + i] += pair;
        product[(b * (b + 1) / 2 + b) * rows + i] += pair;
        *own += pair;
      }
    }
  }

  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const double scale = (weight == nullptr ? 1.0 : weight[i]) / static_cast<double>(draws);
    const bool known = y[i] >= 0.0 && y[i] <= static_cast<double>(others);
    const std::size_t label = known ? static_cast<std::size_t>(y[i]) : 0;
    const std::size_t pairs = others * (others + 1) / 2;
    for (std::size_t a = 0; a < others; ++a) residual[i * others + a] = 0.0;
    for (std::size_t k = 0; product != nullptr && k < pairs; ++k) product[k * rows + i] = 0.0;
    double sum = 0.0;
    for (std::size_t s = 0; s < draws; ++s) {
      double* const p = logits + (i * draws + s) * others;
      double first = 0.0;
      sum += normalise(p, label, first);
      for (std::size_t a = 0; a < others; ++a) {
        residual[i * others + a] += scale * (p[a] - (label == a + 1 ? 1.0 : 0.0));
      }
      if (product != nullptr) add_products(p, first, scale, i);
    }
    loss[i] = known ? scale * sum : std::nan("");
  }
};

// The block (a, b) of a packed symmetric matrix of classes x columns, b <= a, += scale * gram, a
// packed symmetric matrix of the columns; over the dimension^2 elements of the block.
struct AddGramBlock {
  double scale;
  const double* gram;
  double* out;
  std::size_t dimension, a, b;
  BAYESUM_HOST_DEVICE void operator()(std::size_t k) const {
    const std::size_t i = k / dimension, j = k % dimension;
    if (a == b && j > i) return;
    const double value = gram[i >= j ? packed_index(i, j) : packed_index(j, i)];
    out[packed_index(a * dimension + i, b * dimension + j)] += scale * value;
  }
};

void apply(const Stream& stream, const SoftmaxRows& op, std::size_t size);
void apply(const Stream& stream, const AddGramBlock& op, std::size_t size);

}  // namespace bayesum
