#include "kernels/network/cross_entropy.hpp"

#include <cmath>
#include <limits>

#include "kernels/network/check.hpp"
#include "kernels/network/cuda_rows.cuh"
#include "kernels/network/math.hpp"
#include "kernels/network/row_math.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum::cuda {
namespace {

// What each row adds to the sums of a loss: rows numbers after rows numbers.
struct LossTerms {
  double* terms;
  std::size_t rows;

  __device__ void set(std::size_t r, double loss, double counted, double last) const {
    terms[r] = loss;
    terms[rows + r] = counted;
    terms[2 * rows + r] = last;
  }
};

// Sum k, by a block.
struct AddLossTerms {
  LossTerms terms;
  double* sums;

  template <class Team>
  __device__ void operator()(std::size_t k, const Team& team) const {
    double sum = 0.0;
    for (std::size_t r = team.rank; r < terms.rows; r += Team::size) {
      sum += terms.terms[k * terms.rows + r];
    }
    sum = team.sum(sum);
    if (team.rank == 0) sums[k] += sum;
  }
};

// rows(terms) queues what sets the terms of every row.
template <class Rows>
void add_losses(const Stream& stream, std::size_t count, std::span<double> sums, const Rows& rows) {
  const LossTerms terms{scratch(stream, kLossSums * count), count};
  rows(terms);
  for_each_row_by<kThreads>(stream, kLossSums, AddLossTerms{terms, sums.data()});
}

template <class T, class Team>
__device__ Softmax softmax_of(const T* z, std::size_t classes, const Team& team) {
  float largest = -INFINITY;
  for (std::size_t j = team.rank; j < classes; j += Team::size) {
    const auto value = static_cast<float>(z[j]);
    largest = value > largest ? value : largest;
  }
  largest = team.largest(largest);
  float total = 0.0f;
  for (std::size_t j = team.rank; j < classes; j += Team::size) {
    total += fast_exp(static_cast<float>(z[j]) - largest);
  }
  return {largest, team.sum(static_cast<double>(total))};
}

// The thread that has the column of the target, or the first: it alone reads the target's output,
// since columns are overwritten.
template <class Team>
__device__ bool has_target(std::int32_t target, std::size_t classes, const Team& team) {
  const std::size_t column = is_index(target, classes) ? static_cast<std::size_t>(target) : 0;
  return column % Team::size == team.rank;
}

template <class T>
struct CrossEntropyRow {
  MatrixView<T> logits;
  std::size_t classes;
  const std::int32_t* targets;
  float scale;
  LossTerms terms;

  template <class Team>
  __device__ void operator()(std::size_t r, const Team& team) const {
    T* const z = row_of(logits, r);
    const std::int32_t target = targets[r];
    if (target == kIgnoredTarget) {
      if (team.rank == 0) terms.set(r, 0.0, 0.0, 0.0);
      for (std::size_t j = team.rank; j < logits.cols; j += Team::size) store(z[j], 0.0f);
      return;
    }
    const Softmax softmax = softmax_of(z, classes, team);
    const bool known = is_index(target, classes);
    const float before = equals_before(z, softmax, target, team);
    if (has_target(target, classes, team)) {
      const bool largest = known && before == 0.0f && equals(z[target], softmax);
      terms.set(r, known ? softmax.loss(z[target]) : kNoLoss, 1.0, largest ? 1.0 : 0.0);
    }
    write_gradient(z, softmax, target, team);
  }

  __device__ static bool equals(T value, const Softmax& softmax) {
    return static_cast<float>(value) == softmax.largest;
  }

  // How many columns before that of the target have the largest output.
  template <class Team>
  __device__ float equals_before(const T* z, const Softmax& softmax, std::int32_t target,
                                 const Team& team) const {
    float count = 0.0f;
    if (is_index(target, classes)) {
      const auto end = static_cast<std::size_t>(target);
      for (std::size_t j = team.rank; j < end; j += Team::size) {
        count += equals(z[j], softmax) ? 1.0f : 0.0f;
      }
    }
    return team.sum(count);
  }

  template <class Team>
  __device__ void write_gradient(T* z, const Softmax& softmax, std::int32_t target,
                                 const Team& team) const {
    const float inverse = softmax.inverse();
    for (std::size_t j = team.rank; j < classes; j += Team::size) {
      const float power = fast_exp(static_cast<float>(z[j]) - softmax.largest);
      const bool own = target >= 0 && j == static_cast<std::size_t>(target);
      store(z[j], own ? scale * (inverse * power - 1.0f) : scale * inverse * power);
    }
    for (std::size_t j = classes + team.rank; j < logits.cols; j += Team::size) store(z[j], 0.0f);
  }
};

template <class T>
void cross_entropy_all(const Stream& stream, const CrossEntropy<T>& op) {
  add_losses(stream, op.logits.rows, op.sums, [&](const LossTerms& terms) {
    for_each_row(stream, op.logits.rows, op.logits.cols,
                 CrossEntropyRow<T>{op.logits, op.classes, op.targets.data(), op.scale, terms});
  });
}

struct LogSoftmaxRow {
  MatrixView<const float> logits;
  std::size_t classes;
  float* out;

  template <class Team>
  __device__ void operator()(std::size_t r, const Team& team) const {
    const float* const z = row_of(logits, r);
    const Softmax softmax = softmax_of(z, classes, team);
    float* const to = out + r * classes;
    for (std::size_t j = team.rank; j < classes; j += Team::size) {
      to[j] = softmax.log_probability(z[j]);
    }
  }
};

template <class T>
struct SquaredErrorRow {
  MatrixView<T> output;
  MatrixView<const float> target;
  const float* log_precision;
  float scale;
  LossTerms terms;

  template <class Team>
  __device__ void operator()(std::size_t r, const Team& team) const {
    T* const f = row_of(output, r);
    const float* const y = row_of(target, r);
    const GaussianLoss loss(*log_precision, output.cols);
    const float slope = scale * loss.precision;
    double squares = 0.0;
    for (std::size_t j = team.rank; j < output.cols; j += Team::size) {
      const float error = static_cast<float>(f[j]) - y[j];
      squares += static_cast<double>(error) * static_cast<double>(error);
      store(f[j], slope * error);
    }
    squares = team.sum(squares);
    if (team.rank == 0) terms.set(r, loss(squares), 1.0, squares);
  }
};

template <class T>
void squared_error_all(const Stream& stream, const SquaredError<T>& op) {
  add_losses(stream, op.output.rows, op.sums, [&](const LossTerms& terms) {
    for_each_row(stream, op.output.rows, op.output.cols,
                 SquaredErrorRow<T>{op.output, op.target, op.log_precision, op.scale, terms});
  });
}

}  // namespace

void cross_entropy(const Stream& stream, const CrossEntropy<float>& op) {
  cross_entropy_all(stream, op);
}
void cross_entropy(const Stream& stream, const CrossEntropy<BFloat16>& op) {
  cross_entropy_all(stream, op);
}
void log_softmax(const Stream& stream, MatrixView<const float> logits, std::size_t classes,
                 std::span<float> out) {
  const std::size_t bytes = out.size_bytes();
  float* const there = static_cast<float*>(stream.scratch(bytes));
  for_each_row(stream, logits.rows, logits.cols, LogSoftmaxRow{logits, classes, there});
  copy(stream, there, out.data(), bytes);
}
void squared_error(const Stream& stream, const SquaredError<float>& op) {
  squared_error_all(stream, op);
}
void squared_error(const Stream& stream, const SquaredError<BFloat16>& op) {
  squared_error_all(stream, op);
}

}  // namespace bayesum::cuda
