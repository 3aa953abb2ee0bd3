#include "kernels/lda_pass.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "kernels/buffer.hpp"
#include "kernels/error.hpp"
#include "kernels/gamma.hpp"
#include "kernels/parallel.hpp"
#include "kernels/reduce.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kDocumentsAtOnce = 8;
constexpr std::size_t kTopicsAtOnce = 8;  // a cache line

double dot(const double* a, const double* b, std::size_t size) {
  double sum = 0;
  BAYESUM_OMP(omp simd reduction(+ : sum))
  for (std::size_t k = 0; k < size; ++k) sum += a[k] * b[k];
  return sum;
}

void add_scaled(double scale, const double* x, double* out, std::size_t size) {
  BAYESUM_OMP(omp simd)
  for (std::size_t k = 0; k < size; ++k) out[k] += scale * x[k];
}

// What is worked out of documents, one row each.
struct Work {
  Work(const LdaPass& pass, std::size_t documents, std::size_t topics)
      : gamma_memory(Device{}, documents * topics),
        proportion_memory(Device{}, documents * topics),
        sum_memory(Device{}, documents * topics),
        ratio(Device{}, pass.documents.value.size()),
        loss(Device{}, documents),
        gamma(gamma_memory.data(), documents, topics),
        proportion(proportion_memory.data(), documents, topics),
        sum(sum_memory.data(), documents, topics) {}

  Buffer<double> gamma_memory, proportion_memory, sum_memory;
  Buffer<double> ratio;  // of each element of the documents: n / s
  Buffer<double> loss;
  MatrixView<double> gamma, proportion, sum;  // gamma, t, sum_w n_w B_w / s_w
};

const double* word_row(const LdaPass& pass, std::size_t element) {
  return pass.word_topic.data + pass.documents.column[element] * pass.word_topic.stride;
}

// One document at its place among the others.
class Document {
 public:
  Document(const LdaPass& pass, Work& work, std::size_t row)
      : pass_(pass),
        begin_(pass.documents.row_start[row]),
        end_(pass.documents.row_start[row + 1]),
        topics_(pass.word_topic.cols),
        gamma_(work.gamma.data + row * topics_),
        proportion_(work.proportion.data + row * topics_),
        sum_(work.sum.data + row * topics_),
        ratio_(work.ratio.data()) {
    for (std::size_t j = begin_; j < end_; ++j) length_ += pass.documents.value[j];
    total_ = length_ + static_cast<double>(topics_) * pass.concentration;
  }

  void resolve() {
    std::fill_n(gamma_, topics_, pass_.concentration + length_ / static_cast<double>(topics_));
    take_proportions();
    for (std::size_t step = 0; step < pass_.steps; ++step) {
      share_tokens();
      double moved = 0;
      for (std::size_t k = 0; k < topics_; ++k) {
        const double next = pass_.concentration + proportion_[k] * sum_[k];
        moved = std::max(moved, std::abs(next - gamma_[k]));
        gamma_[k] = next;
      }
      take_proportions();
      if (moved <= pass_.tolerance * total_) break;
    }
  }

  // The bound at gamma, with the tokens shared as it wants them.
  double loss() {
    const double alpha = pass_.concentration;
    share_tokens();
    double bound = log_gamma(static_cast<double>(topics_) * alpha) - log_gamma(total_);
    for (std::size_t j = begin_; j < end_; ++j) {
      const double count = pass_.documents.value[j];
      if (count == 0.0) continue;
      bound += count * (std::log(count / ratio_[j]) + pass_.word_scale[pass_.documents.column[j]]);
    }
    const double log_gamma_alpha = log_gamma(alpha);
    for (std::size_t k = 0; k < topics_; ++k) {
      bound +=
          log_gamma(gamma_[k]) - log_gamma_alpha + (alpha - gamma_[k]) * std::log(proportion_[k]);
    }
    return -bound;
  }

 private:
  void take_proportions() {
    const double of_total = digamma(total_);
    for (std::size_t k = 0; k < topics_; ++k) {
      proportion_[k] = std::exp(digamma(gamma_[k]) - of_total);
    }
  }

  // Leaves n / s of every word, and the sums over words.
  void share_tokens() {
    std::fill_n(sum_, topics_, 0.0);
    for (std::size_t j = begin_; j < end_; ++j) {
      const double* const row = word_row(pass_, j);
      ratio_[j] = pass_.documents.value[j] / dot(proportion_, row, topics_);
      add_scaled(ratio_[j], row, sum_, topics_);
    }
  }

  const LdaPass& pass_;
  std::size_t begin_, end_, topics_;
  double* gamma_;
  double* proportion_;
  double* sum_;
  double* ratio_;
  double length_ = 0;
  double total_ = 0;  // sum of gamma, at every step
};

double weight_of(const LdaPass& pass, std::size_t row) {
  return pass.weight.empty() ? 1.0 : pass.weight[row];
}

// counts_wk += v (n_w / s_w) t_k B_wk, for the topics [first, last).
void add_counts(const LdaPass& pass, const Work& work, std::size_t first, std::size_t last) {
  for (std::size_t i = 0; i < pass.documents.rows(); ++i) {
    const double weight = weight_of(pass, i);
    const double* const proportion = work.proportion.data + i * work.proportion.stride;
    for (std::size_t j = pass.documents.row_start[i]; j < pass.documents.row_start[i + 1]; ++j) {
      const double scale = weight * work.ratio.data()[j];
      const double* const row = word_row(pass, j);
      double* const out = pass.counts.data + pass.documents.column[j] * pass.counts.stride;
      BAYESUM_OMP(omp simd)
      for (std::size_t k = first; k < last; ++k) out[k] += scale * proportion[k] * row[k];
    }
  }
}

void check_size(const char* name, std::size_t size, std::size_t expected) {
  if (size == expected) return;
  throw Error(ExitCode::kUsage, "a pass over documents was given " + std::to_string(size) + " " +
                                    name + " where " + std::to_string(expected) + " belong");
}

void check_pass(const Stream& stream, const LdaPass& pass) {
  if (stream.on_cuda()) {
    throw Error(ExitCode::kDevice,
                "documents are passed over on the CPU alone, not on " + to_string(stream.device()));
  }
  const std::size_t n = pass.documents.rows();
  const std::size_t words = pass.word_topic.rows, topics = pass.word_topic.cols;
  check_size("words", pass.documents.cols, words);
  check_size("scales of words", pass.word_scale.size(), words);
  if (!pass.weight.empty()) check_size("weights", pass.weight.size(), n);
  if (pass.gamma.data != nullptr) {
    check_size("rows of gamma", pass.gamma.rows, n);
    check_size("columns of gamma", pass.gamma.cols, topics);
  }
  if (pass.counts.data != nullptr) {
    check_size("rows of counts", pass.counts.rows, words);
    check_size("columns of counts", pass.counts.cols, topics);
  }
}

}  // namespace

void lda_pass(const Stream& stream, const LdaPass& pass) {
  check_pass(stream, pass);
  const std::size_t n = pass.documents.rows(), topics = pass.word_topic.cols;
  Work work(pass, n, topics);
  double* const loss = work.loss.data();
  cpu::parallel_ranges(n, kDocumentsAtOnce, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      Document document(pass, work, i);
      document.resolve();
      loss[i] = weight_of(pass, i) * document.loss();
    }
  });
  if (pass.loss != nullptr) *pass.loss += sum(stream, std::as_const(work.loss).span());
  if (pass.counts.data != nullptr) {
    cpu::parallel_ranges(topics, kTopicsAtOnce, [&](std::size_t first, std::size_t last) {
      add_counts(pass, work, first, last);
    });
  }
  if (pass.gamma.data == nullptr) return;
  for (std::size_t i = 0; i < n; ++i) {
    std::copy_n(work.gamma.data + i * topics, topics, pass.gamma.data + i * pass.gamma.stride);
  }
}

}  // namespace bayesum
