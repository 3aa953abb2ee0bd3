#include "kernels/network/cross_entropy.hpp"

#include <algorithm>
#include <limits>

#include "kernels/network/check.hpp"
#include "kernels/network/math.hpp"
#include "kernels/network/row_math.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

template <class T>
Softmax softmax_of(const T* z, std::size_t classes) {
  constexpr std::size_t kPiece = 1024;
  float largest = -std::numeric_limits<float>::infinity();
  BAYESUM_SIMD(reduction(max : largest))
  for (std::size_t j = 0; j < classes; ++j) {
    const auto value = static_cast<float>(z[j]);
    largest = value > largest ? value : largest;
  }
  double total = 0.0;
  for (std::size_t begin = 0; begin < classes; begin += kPiece) {
    const std::size_t end = std::min(classes, begin + kPiece);
    float piece = 0.0f;
    BAYESUM_SIMD(reduction(+ : piece))
    for (std::size_t j = begin; j < end; ++j) piece += fast_exp(static_cast<float>(z[j]) - largest);
    total += static_cast<double>(piece);
  }
  return {largest, total};
}

// out_j = scale e^(z_j - largest), for j below `classes`; out may be z.
template <class T, class Out>
void scaled_exp(const T* z, std::size_t classes, float largest, float scale, Out* out) {
  BAYESUM_SIMD()
  for (std::size_t j = 0; j < classes; ++j) {
    store(out[j], scale * fast_exp(static_cast<float>(z[j]) - largest));
  }
}

template <class T>
double row_loss(const T* z, const Softmax& softmax, std::int32_t target, std::size_t classes) {
  return is_index(target, classes) ? softmax.loss(z[target]) : kNoLoss;
}

// The sums of a run of rows; add_row(r, sums) adds row r.
template <class AddRow>
struct LossRows {
  static constexpr std::size_t kRows = 8;

  std::size_t rows;
  const AddRow* add_row;
  double sums[kLossSums];

  void clear() { std::fill(sums, sums + kLossSums, 0.0); }
  void add(std::size_t block) {
    const std::size_t end = std::min(rows, (block + 1) * kRows);
    for (std::size_t r = block * kRows; r < end; ++r) (*add_row)(r, sums);
  }
};

template <class AddRow>
void sum_rows(std::size_t rows, std::span<double> sums, const AddRow& add_row) {
  using Rows = LossRows<AddRow>;
  sum_in_lanes((rows + Rows::kRows - 1) / Rows::kRows,
               [&] {
                 return Rows{rows, &add_row, {}};
               },
               [&](const Rows& lane) {
                 for (std::size_t k = 0; k < kLossSums; ++k) sums[k] += lane.sums[k];
               });
}

template <class T>
void add_cross_entropy(const CrossEntropy<T>& op, std::size_t r, double* sums) {
  T* const z = row_of(op.logits, r);
  const std::int32_t target = op.targets[r];
  if (target == kIgnoredTarget) {
    std::fill(z, z + op.logits.cols, static_cast<T>(0.0f));
    return;
  }
  const Softmax softmax = softmax_of(z, op.classes);
  sums[0] += row_loss(z, softmax, target, op.classes);
  sums[1] += 1.0;
  const auto equals_largest = [&](T value) { return static_cast<float>(value) == softmax.largest; };
  if (is_index(target, op.classes) && equals_largest(z[target]) &&
      std::none_of(z, z + target, equals_largest)) {
    sums[2] += 1.0;
  }
  const float inverse = softmax.inverse();
  float own = 0.0f;
  if (is_index(target, op.classes)) {
    own = inverse * fast_exp(static_cast<float>(z[target]) - softmax.largest);
  }
  scaled_exp(z, op.classes, softmax.largest, op.scale * inverse, z);
  if (is_index(target, op.classes)) store(z[target], op.scale * (own - 1.0f));
  std::fill(z + op.classes, z + op.logits.cols, static_cast<T>(0.0f));
}

template <class T>
void cross_entropy_all(const CrossEntropy<T>& op) {
  sum_rows(op.logits.rows, op.sums,
           [&](std::size_t r, double* sums) { add_cross_entropy(op, r, sums); });
}

template <class T>
void squared_error_all(const SquaredError<T>& op) {
  const GaussianLoss loss(*op.log_precision, op.output.cols);
  const float factor = op.scale * loss.precision;
  sum_rows(op.output.rows, op.sums, [=, &op](std::size_t r, double* sums) {
    T* const f = row_of(op.output, r);
    const float* const y = row_of(op.target, r);
    const float slope = factor;
    double squares = 0.0;
    BAYESUM_SIMD(reduction(+ : squares))
    for (std::size_t j = 0; j < op.output.cols; ++j) {
      const float error = static_cast<float>(f[j]) - y[j];
      squares += static_cast<double>(error) * static_cast<double>(error);
      store(f[j], slope * error);
    }
    sums[0] += loss(squares);
    sums[1] += 1.0;
    sums[2] += squares;
  });
}

}  // namespace

void cross_entropy(const Stream&, const CrossEntropy<float>& op) { cross_entropy_all(op); }
void cross_entropy(const Stream&, const CrossEntropy<BFloat16>& op) { cross_entropy_all(op); }
void log_softmax(const Stream&, MatrixView<const float> logits, std::size_t classes,
                 std::span<float> out) {
  for_row_ranges(logits.rows, classes, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      const float* const z = row_of(logits, r);
      const Softmax softmax = softmax_of(z, classes);
      float* const to = out.data() + r * classes;
      BAYESUM_SIMD()
      for (std::size_t j = 0; j < classes; ++j) to[j] = softmax.log_probability(z[j]);
    }
  });
}

void squared_error(const Stream&, const SquaredError<float>& op) { squared_error_all(op); }
void squared_error(const Stream&, const SquaredError<BFloat16>& op) { squared_error_all(op); }

}  // namespace cpu

namespace {

void check_classes(std::size_t classes, std::size_t columns) {
  if (classes != 0 && classes <= columns) return;
  throw Error(ExitCode::kUsage, "logits of " + std::to_string(columns) + " columns cannot have " +
                                    std::to_string(classes) + " classes");
}

template <class T>
void check_and_add(const Stream& stream, const CrossEntropy<T>& op) {
  check_classes(op.classes, op.logits.cols);
  check_size("the targets", op.targets.size(), op.logits.rows);
  check_size("the sums of a loss", op.sums.size(), kLossSums);
  if (op.logits.rows != 0) BAYESUM_DISPATCH(stream, cross_entropy(stream, op));
}

template <class T>
void check_and_add(const Stream& stream, const SquaredError<T>& op) {
  check_shape("the target", op.target, op.output.rows, op.output.cols);
  check_size("the sums of a loss", op.sums.size(), kLossSums);
  if (op.log_precision == nullptr) {
    throw Error(ExitCode::kUsage, "a squared error needs the precision of its noise");
  }
  if (op.output.rows != 0) BAYESUM_DISPATCH(stream, squared_error(stream, op));
}

}  // namespace

void cross_entropy(const Stream& stream, const CrossEntropy<float>& op) {
  check_and_add(stream, op);
}

void cross_entropy(const Stream& stream, const CrossEntropy<BFloat16>& op) {
  check_and_add(stream, op);
}

void log_softmax(const Stream& stream, MatrixView<const float> logits, std::size_t classes,
                 std::span<float> out) {
  check_classes(classes, logits.cols);
  check_size("the log-probabilities", out.size(), logits.rows * classes);
  if (logits.rows != 0) BAYESUM_DISPATCH(stream, log_softmax(stream, logits, classes, out));
}

void squared_error(const Stream& stream, const SquaredError<float>& op) {
  check_and_add(stream, op);
}

void squared_error(const Stream& stream, const SquaredError<BFloat16>& op) {
  check_and_add(stream, op);
}

}  // namespace bayesum
