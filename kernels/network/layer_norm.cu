#include "kernels/network/layer_norm.hpp"

#include <cmath>

#include "kernels/network/check.hpp"
#include "kernels/network/cuda_rows.cuh"
#include "kernels/network/row_math.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum::cuda {
namespace {

// Each thread keeps to its columns, so that it reads again what it wrote itself.
template <class T>
struct NormaliseRow {
  MatrixView<const float> residual;
  MatrixView<const T> delta;
  MatrixView<float> sum;
  const float* gain;
  const float* bias;  // or null
  float epsilon;
  MatrixView<T> y;
  float* mean;
  float* rstd;

  template <class Team>
  __device__ const float* joined(std::size_t r, const Team& team) const {
    const float* const before = row_of(residual, r);
    if (!is_given(delta)) return before;
    const T* const more = row_of(delta, r);
    float* const x = row_of(sum, r);
    for (std::size_t j = team.rank; j < residual.cols; j += Team::size) {
      x[j] = before[j] + static_cast<float>(more[j]);
    }
    return x;
  }

  template <class Team>
  __device__ void operator()(std::size_t r, const Team& team) const {
    const std::size_t channels = residual.cols;
    const float* const x = joined(r, team);
    float total = 0.0f, squares = 0.0f;
    for (std::size_t j = team.rank; j < channels; j += Team::size) total += x[j];
    const float average = team.sum(total) / static_cast<float>(channels);
    for (std::size_t j = team.rank; j < channels; j += Team::size) {
      squares += (x[j] - average) * (x[j] - average);
    }
    const float variance = team.sum(squares) / static_cast<float>(channels);
    const Normalisation normal{average, 1.0f / std::sqrt(variance + epsilon)};
    T* const out = row_of(y, r);
    for (std::size_t j = team.rank; j < channels; j += Team::size) {
      store(out[j], normal(x[j]) * gain[j] + (bias == nullptr ? 0.0f : bias[j]));
    }
    if (team.rank != 0) return;
    mean[r] = normal.mean;
    rstd[r] = normal.rstd;
  }
};

template <class T>
void normalise(const Stream& stream, const LayerNorm<T>& op) {
  for_each_row(stream, op.residual.rows, op.residual.cols,
               NormaliseRow<T>{op.residual, op.delta, op.sum, op.gain.data(),
                               op.bias.empty() ? nullptr : op.bias.data(), op.epsilon, op.y,
                               op.mean.data(), op.rstd.data()});
}

template <class T>
struct NormaliseRowBackward {
  MatrixView<const float> sum;
  MatrixView<const T> dy;
  const float* gain;
  const float* mean;
  const float* rstd;
  MatrixView<float> dsum;
  MatrixView<T> ddelta;

  template <class Team>
  __device__ void operator()(std::size_t r, const Team& team) const {
    const std::size_t channels = sum.cols;
    const float* const x = row_of(sum, r);
    const T* const d = row_of(dy, r);
    const Normalisation normal{mean[r], rstd[r]};
    float total = 0.0f, product = 0.0f;
    for (std::size_t j = team.rank; j < channels; j += Team::size) {
      const float scaled = static_cast<float>(d[j]) * gain[j];
      total += scaled;
      product += scaled * normal(x[j]);
    }
    const float average = team.sum(total) / static_cast<float>(channels);
    const float slope = team.sum(product) / static_cast<float>(channels);
    float* const out = row_of(dsum, r);
    for (std::size_t j = team.rank; j < channels; j += Team::size) {
      const float scaled = static_cast<float>(d[j]) * gain[j];
      out[j] += normal.gradient(x[j], scaled, average, slope);
      if (is_given(ddelta)) store(row_of(ddelta, r)[j], out[j]);
    }
  }
};

template <class T>
struct BiasTerm {
  MatrixView<const T> dy;
  __device__ double operator()(std::size_t i, std::size_t j) const {
    return static_cast<double>(static_cast<float>(row_of(dy, i)[j]));
  }
};

template <class T>
struct GainTerm {
  MatrixView<const float> sum;
  MatrixView<const T> dy;
  const float* mean;
  const float* rstd;
  __device__ double operator()(std::size_t i, std::size_t j) const {
    const Normalisation normal{mean[i], rstd[i]};
    return static_cast<double>(static_cast<float>(row_of(dy, i)[j]) * normal(row_of(sum, i)[j]));
  }
};

template <class T>
void go_back(const Stream& stream, const LayerNormBackward<T>& op) {
  const std::size_t rows = op.sum.rows, channels = op.sum.cols;
  double* const partial = scratch(stream, slab_count(rows) * channels);
  if (!op.gain_gradient.empty()) {
    add_column_sums(stream, rows, channels,
                    GainTerm<T>{op.sum, op.dy, op.mean.data(), op.rstd.data()}, partial,
                    op.gain_gradient.data());
  }
  if (!op.bias_gradient.empty()) {
    add_column_sums(stream, rows, channels, BiasTerm<T>{op.dy}, partial, op.bias_gradient.data());
  }
  for_each_row(stream, rows, channels,
               NormaliseRowBackward<T>{op.sum, op.dy, op.gain.data(), op.mean.data(),
                                       op.rstd.data(), op.dsum, op.ddelta});
}

}  // namespace

void layer_norm(const Stream& stream, const LayerNorm<float>& op) { normalise(stream, op); }
void layer_norm(const Stream& stream, const LayerNorm<BFloat16>& op) { normalise(stream, op); }
void layer_norm_backward(const Stream& stream, const LayerNormBackward<float>& op) {
  go_back(stream, op);
}
void layer_norm_backward(const Stream& stream, const LayerNormBackward<BFloat16>& op) {
  go_back(stream, op);
}

}  // namespace bayesum::cuda
