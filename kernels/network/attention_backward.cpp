#include <algorithm>

#include "kernels/network/attention.hpp"
#include "kernels/network/attention_tile.hpp"
#include "kernels/network/check.hpp"
#include "kernels/network/math.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum::cpu {
namespace {

// The backward pass of a head. With P the probabilities and D_t = dout_t . out_t,
//   dV = P' dO    dP = dO V'    dS = P (dP - D)    dQ = dS K / sqrt(size)    dK = dS' Q /
//   sqrt(size)
// a block of keys after the other, so that its dK and dV stay in the cache.
class BackwardHead {
 public:
  explicit BackwardHead(const Head& head) : head_(head) {}

  static std::size_t scratch_size(const Head& head) {
    return 5 * head.rows_size() + 2 * head.columns_size() + head.sequence + 2 * kQueries * kKeys +
           2 * kKeys * head.padded;
  }

  template <class T>
  void run(const AttentionBackward<T>& op, std::size_t sequence, std::size_t h, float* scratch) {
    const std::size_t channels = op.out.cols, first_row = sequence * head_.sequence;
    place(scratch);
    const T* const qkv = row_of(op.qkv, first_row) + h * head_.size;
    copy_rows(qkv + 2 * channels, op.qkv.stride, head_, 1.0f, keys_);
    transpose_blocks(keys_, head_, value_columns_);
    copy_rows(qkv + channels, op.qkv.stride, head_, 1.0f, keys_);
    transpose_blocks(keys_, head_, key_columns_);
    copy_rows(qkv, op.qkv.stride, head_, head_.scale(), queries_);
    copy_rows(row_of(op.dout, first_row) + h * head_.size, op.dout.stride, head_, 1.0f, dout_);
    copy_rows(row_of(op.out, first_row) + h * head_.size, op.out.stride, head_, 1.0f, out_);
    log_sum_exp_ = row_of(op.log_sum_exp, sequence * op.heads + h);
    for (std::size_t t = 0; t < head_.sequence; ++t) {
      float dot = 0.0f;
      BAYESUM_SIMD(reduction(+ : dot))
      for (std::size_t c = 0; c < head_.size; ++c) {
        dot += dout_[t * head_.padded + c] * out_[t * head_.padded + c];
      }
      dots_[t] = dot;
    }
    std::fill(dqueries_, dqueries_ + head_.rows_size(), 0.0f);
    T* const dqkv = row_of(op.dqkv, first_row) + h * head_.size;
    for (std::size_t key = 0; key < head_.sequence; key += kKeys) {
      add_keys(key);
      const std::size_t count = std::min(kKeys, head_.sequence - key);
      write_rows(dkeys_, head_, 1.0f, dqkv + channels, op.dqkv.stride, key, count);
      write_rows(dvalues_, head_, 1.0f, dqkv + 2 * channels, op.dqkv.stride, key, count);
    }
    write_rows(dqueries_, head_, head_.scale(), dqkv, op.dqkv.stride, 0, head_.sequence);
  }

 private:
  void place(float* scratch) {
    const auto take = [&scratch](std::size_t size) {
      float* const piece = scratch;
      scratch += size;
      return piece;
    };
    queries_ = take(head_.rows_size());
    keys_ = take(head_.rows_size());
    dout_ = take(head_.rows_size());
    out_ = take(head_.rows_size());
    dqueries_ = take(head_.rows_size());
    key_columns_ = take(head_.columns_size());
    value_columns_ = take(head_.columns_size());
    scores_ = take(kQueries * kKeys);
    dscores_ = take(kQueries * kKeys);
    dkeys_ = take(kKeys * head_.padded);
    dvalues_ = take(kKeys * head_.padded);
    dots_ = take(head_.sequence);
  }

  void add_keys(std::size_t key) {
    std::fill(dkeys_, dkeys_ + kKeys * head_.padded, 0.0f);
    std::fill(dvalues_, dvalues_ + kKeys * head_.padded, 0.0f);
    for (std::size_t first = key; first < head_.sequence; first += kQueries) {
      const ScoreBlock block(first, std::min(head_.sequence, first + kQueries), key);
      const float* const queries = queries_ + first * head_.padded;
      const float* const dout = dout_ + first * head_.padded;
      multiply_scores(head_, block, queries, key_columns_ + key * head_.size, scores_);
      multiply_scores(head_, block, dout, value_columns_ + key * head_.size, dscores_);
      for (std::size_t t = 0; t < block.count; ++t) differentiate(block, t);
      add_transposed(block, scores_, dout, dvalues_);
      add_transposed(block, dscores_, queries, dkeys_);
      add_weighted_rows(head_, block, dscores_, keys_ + key * head_.padded,
                        dqueries_ + first * head_.padded);
    }
  }

  // Row t of the block: its scores become probabilities, dP becomes dS.
  void differentiate(const ScoreBlock& block, std::size_t t) {
    float* const p = scores_ + t * kKeys;
    float* const ds = dscores_ + t * kKeys;
    const float level = log_sum_exp_[block.first + t], dot = dots_[block.first + t];
    const std::size_t width = block.width();
    hide(p, block.seen_by(t), width);
    BAYESUM_SIMD()
    for (std::size_t u = 0; u < width; ++u) {
      p[u] = fast_exp(p[u] - level);
      ds[u] = p[u] * (ds[u] - dot);
    }
  }

  // sums (keys x padded) += scores' rows
  void add_transposed(const ScoreBlock& block, const float* scores, const float* rows,
                      float* sums) {
    multiply_block({.m = block.keys,
                    .n = head_.padded,
                    .k = block.count,
                    .a = scores,
                    .a_row = 1,
                    .a_col = kKeys,
                    .b = rows,
                    .b_row = head_.padded,
                    .c = sums,
                    .c_row = head_.padded,
                    .accumulate = true});
  }

  Head head_;
  float *queries_ = nullptr, *keys_ = nullptr, *dout_ = nullptr, *out_ = nullptr;
  float *key_columns_ = nullptr, *value_columns_ = nullptr;
  float *dqueries_ = nullptr, *dkeys_ = nullptr, *dvalues_ = nullptr;
  float *scores_ = nullptr, *dscores_ = nullptr, *dots_ = nullptr;
  const float* log_sum_exp_ = nullptr;
};

}  // namespace

void attention_backward(const Stream&, const AttentionBackward<float>& op) {
  for_each_head<BackwardHead>(op);
}
void attention_backward(const Stream&, const AttentionBackward<BFloat16>& op) {
  for_each_head<BackwardHead>(op);
}

}  // namespace bayesum::cpu
