#include "kernels/softmax_pass.hpp"

#include <algorithm>
#include <string>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/gemm.hpp"
#include "kernels/gram.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reduce.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {

void apply(const Stream&, const SoftmaxRows& op, std::size_t size) {
  parallel_ranges(size, 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) op(i);
  });
}

void apply(const Stream&, const AddGramBlock& op, std::size_t size) {
  parallel_ranges(size, 16384, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) op(k);
  });
}

}  // namespace cpu

void apply(const Stream& stream, const SoftmaxRows& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AddGramBlock& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

namespace {

void check_size(const char* name, std::size_t size, std::size_t expected) {
  if (size == expected) return;
  throw Error(ExitCode::kUsage, "a pass over the rows of a softmax regression was given " +
                                    std::to_string(size) + " elements of " + name + " where " +
                                    std::to_string(expected) + " belong");
}

void check_pass(const SoftmaxPass& pass) {
  if (pass.classes < 2) throw Error(ExitCode::kUsage, "softmax regression needs two classes");
  const std::size_t dimension = (pass.classes - 1) * pass.x.cols;
  check_size("a draw", pass.draws.cols, dimension);
  check_size("the stride of draws", pass.draws.stride, dimension);
  check_size("y", pass.y.size(), pass.x.rows);
  if (!pass.weight.empty()) check_size("the weight", pass.weight.size(), pass.x.rows);
  if (!pass.gradient.empty()) check_size("the gradient", pass.gradient.size(), dimension);
  if (!pass.curvature.empty() && pass.curvature.size() != dimension) {
    check_size("the curvature", pass.curvature.size(), packed_size(dimension));
  }
  if (pass.draws.rows == 0) throw Error(ExitCode::kUsage, "softmax regression needs a draw");
}

// So many elements on the device; what they are is left over.
std::span<double> room(const Stream& stream, std::size_t size, Buffer<double>& memory) {
  if (memory.size() < size || memory.device() != stream.device()) {
    memory = {};
    memory = Buffer<double>(stream.device(), size);
  }
  return memory.span().first(size);
}

// A pass and its memory; it takes about 8 MiB of logits at a time.
class Workplace {
 public:
  Workplace(const Stream& stream, const SoftmaxPass& pass, SoftmaxMemory& memory)
      : stream_(stream),
        pass_(pass),
        d_(pass.x.cols),
        others_(pass.classes - 1),
        full_(pass.curvature.size() == packed_size(others_ * d_)),
        rows_(block_rows(pass)),
        logits_(room(stream, rows_ * pass.draws.rows * others_, memory.logits)),
        loss_(room(stream, rows_, memory.loss)),
        residual_(room(stream, rows_ * others_, memory.residual)),
        product_(room(stream, pass.curvature.empty() ? 0 : rows_ * packed_size(others_),
                      memory.product)),
        work_(room(stream, full_ ? packed_size(d_) : rows_ * d_, memory.work)) {}

  std::size_t rows() const { return rows_; }

  // The rows first .. first + n - 1; returns their loss.
  double add(std::size_t first, std::size_t n) {
    const MatrixView<const double> x = pass_.x.row_block(first, n);
    const std::size_t width = pass_.draws.rows * others_;
    gemm(stream_, {.transpose_b = Transpose::kYes}, x, {pass_.draws.data, width, d_},
         {logits_.data(), n, width});
    apply(stream_,
          SoftmaxRows{n, pass_.draws.rows, others_, pass_.y.data() + first,
                      pass_.weight.empty() ? nullptr : pass_.weight.data() + first, logits_.data(),
                      loss_.data(), residual_.data(),
                      pass_.curvature.empty() ? nullptr : product_.data()},
          n);
    if (!pass_.gradient.empty()) {
      gemm(stream_, {.transpose_a = Transpose::kYes, .beta = 1.0}, {residual_.data(), n, others_},
           x, {pass_.gradient.data(), others_, d_});
    }
    if (!pass_.curvature.empty()) full_ ? add_full(x) : add_diagonal(x);
    return sum(stream_, loss_.first(n));
  }

 private:
  static std::size_t block_rows(const SoftmaxPass& pass) {
    constexpr std::size_t kElements = 1 << 20;
    const std::size_t width = pass.draws.rows * (pass.classes - 1);
    return std::min(pass.x.rows, std::max<std::size_t>(32, kElements / width / 32 * 32));
  }

  void add_full(MatrixView<const double> x) {
    for (std::size_t a = 0; a < others_; ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        apply(stream_, Fill{.value = 0.0, .out = work_.data()}, work_.size());
        weighted_gram(stream_, x, product_.subspan(packed_index(a, b) * x.rows, x.rows), work_);
        apply(stream_,
              AddGramBlock{a == b ? 1.0 : -1.0, work_.data(), pass_.curvature.data(), d_, a, b},
              d_ * d_);
      }
    }
  }

  void add_diagonal(MatrixView<const double> x) {
    apply(stream_, SquareElements{x.data, x.cols, x.stride, work_.data()}, x.rows * d_);
    for (std::size_t a = 0; a < others_; ++a) {
      weighted_column_sum(stream_, {work_.data(), x.rows, d_},
                          product_.subspan(packed_index(a, a) * x.rows, x.rows),
                          pass_.curvature.subspan(a * d_, d_));
    }
  }

  const Stream& stream_;
  const SoftmaxPass& pass_;
  std::size_t d_, others_;
  bool full_;
  std::size_t rows_;
  std::span<double> logits_, loss_, residual_, product_, work_;
};

}  // namespace

double softmax_pass(const Stream& stream, const SoftmaxPass& pass, SoftmaxMemory& memory) {
  check_pass(pass);
  if (pass.x.rows == 0) return 0.0;
  Workplace work(stream, pass, memory);
  double loss = 0.0;
  for (std::size_t first = 0; first < pass.x.rows; first += work.rows()) {
    loss += work.add(first, std::min(work.rows(), pass.x.rows - first));
  }
  return loss;
}

}  // namespace bayesum
