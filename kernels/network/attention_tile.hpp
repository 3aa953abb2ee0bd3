#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels/bfloat16.hpp"
#include "kernels/network/block_product.hpp"
#include "kernels/network/scratch.hpp"
#include "kernels/parallel.hpp"

// What the passes of attention are made of: the rows of a head in scratch, and tiles of scores, of
// a block of queries against a block of keys.
namespace bayesum::cpu {

// Of a block. A row of scores has kKeys elements; kQueries is a multiple of the strips of
// multiply_block.
inline constexpr std::size_t kKeys = 64;
inline constexpr std::size_t kQueries = 48;

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
inline void transpose_blocks(const float* rows, const Head& head, float* to) {
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
struct ScoreBlock {
  std::size_t first, count, first_key, keys;

  ScoreBlock(std::size_t first_query, std::size_t end_query, std::size_t first_of_keys)
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
inline void multiply_scores(const Head& head, const ScoreBlock& block, const float* rows,
                            const float* columns, float* scores) {
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

// sums (count x padded) += scores (count x kKeys) times rows of the keys (padded)
inline void add_weighted_rows(const Head& head, const ScoreBlock& block, const float* scores,
                              const float* rows, float* sums) {
  multiply_block({.m = block.count,
                  .n = head.padded,
                  .k = block.keys,
                  .a = scores,
                  .a_row = kKeys,
                  .a_col = 1,
                  .b = rows,
                  .b_row = head.padded,
                  .c = sums,
                  .c_row = head.padded,
                  .accumulate = true});
}

// Of `width` scores, whole vectors, those from `seen` on become -infinity.
inline void hide(float* scores, std::size_t seen, std::size_t width) {
  std::fill(scores + seen, scores + width, -std::numeric_limits<float>::infinity());
}

// Pass(head).run(op, sequence, head, scratch) for every head of every sequence.
template <class Pass, class Op>
void for_each_head(const Op& op) {
  const Head head(op.sequence, op.out.cols / op.heads);
  const std::size_t sequences = op.out.rows / op.sequence;
  const ThreadScratch scratch(Pass::scratch_size(head));
  parallel_for(sequences * op.heads, [&](std::size_t unit) {
    Pass(head).run(op, unit / op.heads, unit % op.heads, scratch.mine());
  });
}

}  // namespace bayesum::cpu
