#include "kernels/network/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/network/block_product.hpp"
#include "kernels/network/check.hpp"
#include "kernels/network/math.hpp"
#include "kernels/network/scratch.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

constexpr std::size_t kKeys = 64;     // of a block; a row of scores has so many elements
constexpr std::size_t kQueries = 48;  // of a block; a multiple of the strips of multiply_block

// One head of one sequence: its rows in matrices of all heads, and in scratch.
struct Head {
  std::size_t sequence, size, padded, blocks;  // blocks: of keys

  Head(std::size_t tokens, std::size_t head_size)
      : sequence(tokens),
        size(head_size),
        padded(round_to_vectors(head_size)),
        blocks((tokens + kKeys - 1) / kKeys) {}

  float scale() const { return 1.0f / std::sqrt(static_cast<float>(size)); }
  std::size_t rows_size() const { return sequence * padded; }
  std::size_t columns_size() const { return blocks * size * kKeys; }
};

// Rows of `size` elements to float32 rows of `padded`, times a factor, 0 behind.
template <class T>
void copy_rows(const T* from, std::size_t stride, const Head& head, float factor, float* to) {
  for (std::size_t t = 0; t < head.sequence; ++t) {
    const T* const row = from + t * stride;
    float* const out = to + t * head.padded;
    BAYESUM_SIMD()
    for (std::size_t c = 0; c < head.size; ++c) out[c] = factor * static_cast<float>(row[c]);
    std::fill(out + head.size, out + head.padded, 0.0f);
  }
}

// The transpose, a block of kKeys rows after the other: size x kKeys each, 0 past the last row.
void transpose_blocks(const float* rows, const Head& head, float* to) {
  for (std::size_t block = 0; block < head.blocks; ++block) {
    const std::size_t first = block * kKeys, count = std::min(kKeys, head.sequence - first);
    float* const out = to + block * head.size * kKeys;
    for (std::size_t c = 0; c < head.size; ++c) {
      const float* const from = rows + first * head.padded + c;
      BAYESUM_SIMD()
      for (std::size_t u = 0; u < count; ++u) out[c * kKeys + u] = from[u * head.padded];
      std::fill(out + c * kKeys + count, out + (c + 1) * kKeys, 0.0f);
    }
  }
}

template <class T>
void write_rows(const float* from, const Head& head, float factor, T* to, std::size_t stride,
                std::size_t first, std::size_t count) {
  for (std::size_t t = 0; t < count; ++t) {
    const float* const row = from + t * head.padded;
    T* const out = to + (first + t) * stride;
    BAYESUM_SIMD()
    for (std::size_t c = 0; c < head.size; ++c) store(out[c], factor * row[c]);
  }
}

// Queries first .. first + count - 1 against the keys of one block, of which `keys` are seen by the
// last query at least.
struct Block {
  std::size_t first, count, first_key, keys;

  Block(std::size_t first_query, std::size_t end_query, std::size_t first_of_keys)
      : first(first_query),
        count(end_query - first_query),
        first_key(first_of_keys),
        keys(std::min(kKeys, end_query - first_of_keys)) {}

  std::size_t width() const { return round_to_vectors(keys); }
  std::size_t seen_by(std::size_t query) const {
    return std::min(keys, first + query + 1 - first_key);
  }
};

// scores (count x kKeys) = rows (padded) times a transposed block
void multiply_scores(const Head& head, const Block& block, const float* rows, const float* columns,
                     float* scores) {
  multiply_block({.m = block.count,
                  .n = block.width(),
                  .k = head.size,
                  .a = rows,
                  .a_row = head.padded,
                  .a_col = 1,
                  .b = columns,
                  .b_row = kKeys,
                  .c = scores,
                  .c_row = kKeys});
}

// Of `width` scores, whole vectors, those from `seen` on become -infinity.
void hide(float* scores, std::size_t seen, std::size_t width) {
  std::fill(scores + seen, scores + width, -std::numeric_limits<float>::infinity());
}

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
        row_of(op.log_sum_exp, first_row + first + t)[h] =
            softmax[t].largest + std::log(softmax[t].total);
      }
      write_rows(sums_, head_, 1.0f, row_of(op.out, first_row) + h * head_.size, op.out.stride,
                 first, end - first);
    }
  }

 private:
  void attend(std::size_t first, std::size_t end, RunningSoftmax* softmax) {
    std::fill(sums_, sums_ + (end - first) * head_.padded, 0.0f);
    for (std::size_t key = 0; key < end; key += kKeys) {
      const Block block(std::max(first, key), end, key);
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
      multiply_block({.m = block.count,
                      .n = head_.padded,
                      .k = block.keys,
                      .a = scores_,
                      .a_row = kKeys,
                      .a_col = 1,
                      .b = values_ + key * head_.padded,
                      .b_row = head_.padded,
                      .c = sums_ + skipped * head_.padded,
                      .c_row = head_.padded,
                      .accumulate = true});
    }
  }

  Head head_;
  float *queries_ = nullptr, *values_ = nullptr, *keys_ = nullptr, *scores_ = nullptr;
  float* sums_ = nullptr;
};

// The backward pass of a head. With P the probabilities and D_t = dout_t . out_t,
//   dV = P' dO    dP = dO V'    dS = P (dP - D)    dQ = dS K / sqrt(size)    dK = dS' Q /
//   sqrt(size)
// a block of keys after the other, so that its dK and dV stay in the cache.
class BackwardHead {
 public:
  explicit BackwardHead(const Head& head) : head_(head) {}

  static std::size_t scratch_size(const Head& head) {
    return 5 * head.rows_size() + 2 * head.columns_size() + 2 * head.sequence +
           2 * kQueries * kKeys + 2 * kKeys * head.padded;
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
    for (std::size_t t = 0; t < head_.sequence; ++t) {
      log_sum_exp_[t] = row_of(op.log_sum_exp, first_row + t)[h];
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
    log_sum_exp_ = take(head_.sequence);
    dots_ = take(head_.sequence);
  }

  void add_keys(std::size_t key) {
    std::fill(dkeys_, dkeys_ + kKeys * head_.padded, 0.0f);
    std::fill(dvalues_, dvalues_ + kKeys * head_.padded, 0.0f);
    for (std::size_t first = key; first < head_.sequence; first += kQueries) {
      const Block block(first, std::min(head_.sequence, first + kQueries), key);
      const float* const queries = queries_ + first * head_.padded;
      const float* const dout = dout_ + first * head_.padded;
      multiply_scores(head_, block, queries, key_columns_ + key * head_.size, scores_);
      multiply_scores(head_, block, dout, value_columns_ + key * head_.size, dscores_);
      for (std::size_t t = 0; t < block.count; ++t) differentiate(block, t);
      add_transposed(block, scores_, dout, dvalues_);
      add_transposed(block, dscores_, queries, dkeys_);
      multiply_block({.m = block.count,
                      .n = head_.padded,
                      .k = block.keys,
                      .a = dscores_,
                      .a_row = kKeys,
                      .a_col = 1,
                      .b = keys_ + key * head_.padded,
                      .b_row = head_.padded,
                      .c = dqueries_ + first * head_.padded,
                      .c_row = head_.padded,
                      .accumulate = true});
    }
  }

  // Row t of the block: its scores become probabilities, dP becomes dS.
  void differentiate(const Block& block, std::size_t t) {
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
  void add_transposed(const Block& block, const float* scores, const float* rows, float* sums) {
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
  float *scores_ = nullptr, *dscores_ = nullptr, *log_sum_exp_ = nullptr, *dots_ = nullptr;
};

template <class Pass, class Op>
void for_each_head(const Op& op) {
  const Head head(op.sequence, op.out.cols / op.heads);
  const std::size_t sequences = op.out.rows / op.sequence;
  const ThreadScratch scratch(Pass::scratch_size(head));
  parallel_for(sequences * op.heads, [&](std::size_t unit) {
    Pass(head).run(op, unit / op.heads, unit % op.heads, scratch.mine());
  });
}

}  // namespace

void attention(const Stream&, const Attention<float>& op) { for_each_head<ForwardHead>(op); }
void attention(const Stream&, const Attention<BFloat16>& op) { for_each_head<ForwardHead>(op); }
void attention_backward(const Stream&, const AttentionBackward<float>& op) {
  for_each_head<BackwardHead>(op);
}
void attention_backward(const Stream&, const AttentionBackward<BFloat16>& op) {
  for_each_head<BackwardHead>(op);
}
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
  check_shape("the log-sum-exp of attention", op.log_sum_exp, rows, op.heads);
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
