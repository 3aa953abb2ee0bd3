#include "kernels/network/layer_norm.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/network/check.hpp"
#include "kernels/network/row_math.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

template <class T>
void add_delta(const LayerNorm<T>& op, std::size_t r) {
  const float* const residual = row_of(op.residual, r);
  const T* const delta = row_of(op.delta, r);
  float* const sum = row_of(op.sum, r);
  BAYESUM_SIMD()
  for (std::size_t j = 0; j < op.residual.cols; ++j) {
    sum[j] = residual[j] + static_cast<float>(delta[j]);
  }
}

template <class T>
void normalise_row(const LayerNorm<T>& op, const float* x, std::size_t r) {
  const std::size_t channels = op.residual.cols;
  float total = 0.0f, squares = 0.0f;
  BAYESUM_SIMD(reduction(+ : total))
  for (std::size_t j = 0; j < channels; ++j) total += x[j];
  const float mean = total / static_cast<float>(channels);
  BAYESUM_SIMD(reduction(+ : squares))
  for (std::size_t j = 0; j < channels; ++j) squares += (x[j] - mean) * (x[j] - mean);
  const float rstd = 1.0f / std::sqrt(squares / static_cast<float>(channels) + op.epsilon);
  const Normalisation normal{mean, rstd};
  const float* const gain = op.gain.data();
  const float* const bias = op.bias.data();
  T* const y = row_of(op.y, r);
  if (op.bias.empty()) {
    BAYESUM_SIMD()
    for (std::size_t j = 0; j < channels; ++j) {
      store(y[j], normal(x[j]) * gain[j]);
    }
  } else {
    BAYESUM_SIMD()
    for (std::size_t j = 0; j < channels; ++j) {
      store(y[j], normal(x[j]) * gain[j] + bias[j]);
    }
  }
  op.mean[r] = mean;
  op.rstd[r] = rstd;
}

template <class T>
void normalise(const LayerNorm<T>& op) {
  for_row_ranges(op.residual.rows, op.residual.cols, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      if (is_given(op.delta)) add_delta(op, r);
      normalise_row(op, is_given(op.delta) ? row_of(op.sum, r) : row_of(op.residual, r), r);
    }
  });
}

// A run of rows of the backward pass, and its share of the gradients of gain and bias.
template <class T>
class BackwardRows {
 public:
  static constexpr std::size_t kRows = 16;

  explicit BackwardRows(const LayerNormBackward<T>& op) : op_(&op), share_(2 * op.sum.cols) {}

  void clear() { std::fill(share_.begin(), share_.end(), 0.0f); }
  void add(std::size_t block) {
    const std::size_t end = std::min(op_->sum.rows, (block + 1) * kRows);
    for (std::size_t r = block * kRows; r < end; ++r) add_row(r);
  }
  const float* gain() const { return share_.data(); }
  const float* bias() const { return share_.data() + op_->sum.cols; }

 private:
  void add_row(std::size_t r) {
    const std::size_t channels = op_->sum.cols;
    const float* const x = row_of(op_->sum, r);
    const T* const dy = row_of(op_->dy, r);
    const float* const gain = op_->gain.data();
    float* const gain_share = share_.data();
    float* const bias_share = share_.data() + channels;
    const Normalisation normal{op_->mean[r], op_->rstd[r]};
    float sum = 0.0f, product = 0.0f;
    BAYESUM_SIMD(reduction(+ : sum, product))
    for (std::size_t j = 0; j < channels; ++j) {
      const auto d = static_cast<float>(dy[j]);
      gain_share[j] += d * normal(x[j]);
      bias_share[j] += d;
      sum += d * gain[j];
      product += d * gain[j] * normal(x[j]);
    }
    const float average = sum / static_cast<float>(channels);
    const float slope = product / static_cast<float>(channels);
    float* const dsum = row_of(op_->dsum, r);
    BAYESUM_SIMD()
    for (std::size_t j = 0; j < channels; ++j) {
      dsum[j] += normal.gradient(x[j], static_cast<float>(dy[j]) * gain[j], average, slope);
    }
    if (!is_given(op_->ddelta)) return;
    T* const ddelta = row_of(op_->ddelta, r);
    BAYESUM_SIMD()
    for (std::size_t j = 0; j < channels; ++j) store(ddelta[j], dsum[j]);
  }

  const LayerNormBackward<T>* op_;
  std::vector<float> share_;
};

template <class T>
void go_back(const LayerNormBackward<T>& op) {
  using Rows = BackwardRows<T>;
  const std::size_t blocks = (op.sum.rows + Rows::kRows - 1) / Rows::kRows;
  sum_in_lanes(
      blocks, [&] { return Rows(op); },
      [&](const Rows& rows) {
        for (std::size_t j = 0; j < op.gain_gradient.size(); ++j) {
          op.gain_gradient[j] += rows.gain()[j];
        }
        for (std::size_t j = 0; j < op.bias_gradient.size(); ++j) {
          op.bias_gradient[j] += rows.bias()[j];
        }
      });
}

}  // namespace

void layer_norm(const Stream&, const LayerNorm<float>& op) { normalise(op); }
void layer_norm(const Stream&, const LayerNorm<BFloat16>& op) { normalise(op); }
void layer_norm_backward(const Stream&, const LayerNormBackward<float>& op) { go_back(op); }
void layer_norm_backward(const Stream&, const LayerNormBackward<BFloat16>& op) { go_back(op); }

}  // namespace cpu

namespace {

template <class T>
void check_and_normalise(const Stream& stream, const LayerNorm<T>& op) {
  const std::size_t rows = op.residual.rows, channels = op.residual.cols;
  if (is_given(op.delta)) {
    check_shape("what joins the residual stream", op.delta, rows, channels);
    check_shape("the sum of a layer norm", op.sum, rows, channels);
  }
  check_size("the gain of a layer norm", op.gain.size(), channels);
  if (!op.bias.empty()) check_size("the bias of a layer norm", op.bias.size(), channels);
  check_shape("the output of a layer norm", op.y, rows, channels);
  check_size("the means of a layer norm", op.mean.size(), rows);
  check_size("the deviations of a layer norm", op.rstd.size(), rows);
  if (rows != 0 && channels != 0) BAYESUM_DISPATCH(stream, layer_norm(stream, op));
}

template <class T>
void check_and_go_back(const Stream& stream, const LayerNormBackward<T>& op) {
  const std::size_t rows = op.sum.rows, channels = op.sum.cols;
  check_shape("the gradient of a layer norm", op.dy, rows, channels);
  check_size("the gain of a layer norm", op.gain.size(), channels);
  check_size("the means of a layer norm", op.mean.size(), rows);
  check_size("the deviations of a layer norm", op.rstd.size(), rows);
  check_shape("the gradient of the residual stream", op.dsum, rows, channels);
  if (is_given(op.ddelta)) check_shape("the gradient of delta", op.ddelta, rows, channels);
  if (!op.gain_gradient.empty()) {
    check_size("the gradient of a gain", op.gain_gradient.size(), channels);
  }
  if (!op.bias_gradient.empty()) {
    check_size("the gradient of a bias", op.bias_gradient.size(), channels);
  }
  if (rows != 0 && channels != 0) BAYESUM_DISPATCH(stream, layer_norm_backward(stream, op));
}

}  // namespace

void layer_norm(const Stream& stream, const LayerNorm<float>& op) {
  check_and_normalise(stream, op);
}

void layer_norm(const Stream& stream, const LayerNorm<BFloat16>& op) {
  check_and_normalise(stream, op);
}

void layer_norm_backward(const Stream& stream, const LayerNormBackward<float>& op) {
  check_and_go_back(stream, op);
}

void layer_norm_backward(const Stream& stream, const LayerNormBackward<BFloat16>& op) {
  check_and_go_back(stream, op);
}

}  // namespace bayesum
