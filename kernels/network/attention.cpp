#include "kernels/network/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/network/attention_tile.hpp"
#include "kernels/network/check.hpp"
#include "kernels/network/math.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

// The running softmax of a row of scores: takes `width` more of them, which become e^(s - largest).
// Returns what the sums so far are to be multiplied by.
struct RunningSoftmax {
  float largest = -std::numeric_limits<float>::infinity();
  float total = 0.0f;

  float take(float* scores, std::size_t width) {
    float top = largest;
    BAYESUM_SIMD(reduction(max : top))
    for (std::size_t u = 0; u < width; ++u) top = scores[u] > top ? scores[u] : top;
    float sum = 0.0f;
    BAYESUM_SIMD(reduction(+ : sum))
    for (std::size_t u = 0; u < width; ++u) {
      scores[u] = fast_exp(scores[u] - top);
      sum += scores[u];
    }
    const float shrink = total == 0.0f ? 0.0f : fast_exp(largest - top);
    total = total * shrink + sum;
    largest = top;
    return shrink;
  }
};

void scale_row(float* row, float factor, std::size_t count) {
  BAYESUM_SIMD()
  for (std::size_t c = 0; c < count; ++c) row[c] *= factor;
}

// The forward pass of a head, in scratch: queries, values (rows), keys (transposed), scores, sums.
class ForwardHead {
 public:
  explicit ForwardHead(const Head& head) : head_(head) {}

  static std::size_t scratch_size(const Head& head) {
    return 2 * head.rows_size() + std::max(head.rows_size(), kQueries * (kKeys + head.padded)) +
           head.columns_size();
  }

  template <class T>
  void run(const Attention<T>& op, std::size_t sequence, std::size_t h, float* scratch) {
    const std::size_t channels = op.out.cols, first_row = sequence * head_.sequence;
    const T* const qkv = row_of(op.qkv, first_row) + h * head_.size;
    float* const log_sum_exp = row_of(op.log_sum_exp, sequence * op.heads + h);
    queries_ = scratch;
    values_ = queries_ + head_.rows_size();
    keys_ = values_ + head_.rows_size();
    scores_ = keys_ + head_.columns_size();
    sums_ = scores_ + kQueries * kKeys;
    copy_rows(qkv + channels, op.qkv.stride, head_, 1.0f, scores_);
    transpose_blocks(scores_, head_, keys_);
    copy_rows(qkv, op.qkv.stride, head_, head_.scale(), queries_);
    copy_rows(qkv + 2 * channels, op.qkv.stride, head_, 1.0f, values_);
    for (std::size_t first = 0; first < head_.sequence; first += kQueries) {
      const std::size_t end = std::min(head_.sequence, first + kQueries);
      RunningSoftmax softmax[kQueries];
      attend(first, end, softmax);
      for (std::size_t t = 0; t < end - first; ++t) {
        scale_row(sums_ + t * head_.padded, 1.0f / softmax[t].total, head_.size);
        log_sum_exp[first + t] = softmax[t].largest + std::log(softmax[t].total);
      }
      write_rows(sums_, head_, 1.0f, row_of(op.out, first_row) + h * head_.size, op.out.stride,
                 first, end - first);
    }
  }

 private:
  void attend(std::size_t first, std::size_t end, RunningSoftmax* softmax) {
    std::fill(sums_, sums_ + (end - first) * head_.padded, 0.0f);
    for (std::size_t key = 0; key < end; key += kKeys) {
      const ScoreBlock block(std::max(first, key), end, key);
      const std::size_t skipped = block.first - first;
      const float* const keys = keys_ + key * head_.size;
      multiply_scores(head_, block, queries_ + block.first * head_.padded, keys, scores_);
      for (std::size_t t = 0; t < block.count; ++t) {
        float* const scores = scores_ + t * kKeys;
        hide(scores, block.seen_by(t), block.width());
        const float shrink = softmax[skipped + t].take(scores, block.width());
        if (shrink != 1.0f) {
          scale_row(sums_ + (skipped + t) * head_.padded, shrink, head_.padded);
        }
      }
      add_weighted_rows(head_, block, scores_, values_ + key * head_.padded,
                        sums_ + skipped * head_.padded);
    }
  }

  Head head_;
  float *queries_ = nullptr, *values_ = nullptr, *keys_ = nullptr, *scores_ = nullptr;
  float* sums_ = nullptr;
};

}  // namespace

void attention(const Stream&, const Attention<float>& op) { for_each_head<ForwardHead>(op); }
void attention(const Stream&, const Attention<BFloat16>& op) { for_each_head<ForwardHead>(op); }
void check_attention(const Stream&, std::size_t, bool) {}

}  // namespace cpu

namespace {

void check_heads(std::size_t rows, std::size_t channels, std::size_t sequence, std::size_t heads) {
  if (sequence != 0 && rows % sequence == 0 && heads != 0 && channels % heads == 0) return;
  throw Error(ExitCode::kUsage,
              "attention over " + std::to_string(rows) + " rows of " + std::to_string(channels) +
                  " channels cannot have sequences of " + std::to_string(sequence) + " and " +
                  std::to_string(heads) + " heads");
}

template <class Op>
bool check_attention(const Op& op) {
  const std::size_t rows = op.out.rows, channels = op.out.cols;
  check_heads(rows, channels, op.sequence, op.heads);
  check_shape("queries, keys and values", op.qkv, rows, 3 * channels);
  check_shape("the log-sum-exp of attention", op.log_sum_exp, rows / op.sequence * op.heads,
              op.sequence);
  return rows != 0 && channels != 0;
}

template <class T>
void check_and_attend(const Stream& stream, const Attention<T>& op) {
  if (check_attention(op)) BAYESUM_DISPATCH(stream, attention(stream, op));
}

template <class T>
void check_and_go_back(const Stream& stream, const AttentionBackward<T>& op) {
  check_shape("the gradient of attention", op.dout, op.out.rows, op.out.cols);
  check_shape("the gradient of queries, keys and values", op.dqkv, op.qkv.rows, op.qkv.cols);
  if (check_attention(op)) BAYESUM_DISPATCH(stream, attention_backward(stream, op));
}

}  // namespace

void check_attention(const Stream& stream, std::size_t head_size, bool backward) {
  BAYESUM_DISPATCH(stream, check_attention(stream, head_size, backward));
}

void attention(const Stream& stream, const Attention<float>& op) { check_and_attend(stream, op); }

void attention(const Stream& stream, const Attention<BFloat16>& op) {
  check_and_attend(stream, op);
}

void attention_backward(const Stream& stream, const AttentionBackward<float>& op) {
  check_and_go_back(stream, op);
}

void attention_backward(const Stream& stream, const AttentionBackward<BFloat16>& op) {
  check_and_go_back(stream, op);
}

}  // namespace bayesum
