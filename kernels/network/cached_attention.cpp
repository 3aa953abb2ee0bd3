#include "kernels/network/cached_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "kernels/network/check.hpp"
#include "kernels/network/math.hpp"
#include "kernels/network/scratch.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

template <class T>
void keep(const CachedAttention<T>& op, std::size_t news, std::size_t row) {
  const std::size_t channels = op.out.cols, capacity = op.keys.rows / op.batch;
  const std::size_t place = row / news * capacity + op.cached + row % news;
  const T* const key = row_of(op.qkv, row) + channels;
  std::copy(key, key + channels, row_of(op.keys, place));
  std::copy(key + channels, key + 2 * channels, row_of(op.values, place));
}

// Head h of one new token, given scratch for a score of each key and one head of sums.
template <class T>
void attend(const CachedAttention<T>& op, std::size_t news, std::size_t row, std::size_t h,
            float* scores) {
  const std::size_t size = op.out.cols / op.heads, seen = op.cached + row % news + 1;
  const std::size_t first = row / news * (op.keys.rows / op.batch);
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  const T* const query = row_of(op.qkv, row) + h * size;
  float largest = -std::numeric_limits<float>::infinity();
  for (std::size_t u = 0; u < seen; ++u) {
    const T* const key = row_of(op.keys, first + u) + h * size;
    float dot = 0.0f;
    BAYESUM_SIMD(reduction(+ : dot))
    for (std::size_t c = 0; c < size; ++c) {
      dot += static_cast<float>(query[c]) * static_cast<float>(key[c]);
    }
    scores[u] = scale * dot;
    largest = std::max(largest, scores[u]);
  }
  float total = 0.0f;
  BAYESUM_SIMD(reduction(+ : total))
  for (std::size_t u = 0; u < seen; ++u) {
    scores[u] = fast_exp(scores[u] - largest);
    total += scores[u];
  }
  float* const sums = scores + seen;
  std::fill(sums, sums + size, 0.0f);
  for (std::size_t u = 0; u < seen; ++u) {
    const T* const value = row_of(op.values, first + u) + h * size;
    BAYESUM_SIMD()
    for (std::size_t c = 0; c < size; ++c) sums[c] += scores[u] * static_cast<float>(value[c]);
  }
  T* const out = row_of(op.out, row) + h * size;
  BAYESUM_SIMD()
  for (std::size_t c = 0; c < size; ++c) store(out[c], sums[c] / total);
}

template <class T>
void attend_to_cache(const CachedAttention<T>& op) {
  const std::size_t rows = op.out.rows, news = rows / op.batch;
  for (std::size_t row = 0; row < rows; ++row) keep(op, news, row);
  const ThreadScratch scratch(op.cached + news + op.out.cols / op.heads);
  parallel_for(rows * op.heads, [&](std::size_t unit) {
    attend(op, news, unit / op.heads, unit % op.heads, scratch.mine());
  });
}

}  // namespace

void cached_attention(const Stream&, const CachedAttention<float>& op) { attend_to_cache(op); }
void cached_attention(const Stream&, const CachedAttention<BFloat16>& op) { attend_to_cache(op); }

}  // namespace cpu

namespace {

template <class T>
void check_and_attend(const Stream& stream, const CachedAttention<T>& op) {
  const std::size_t rows = op.out.rows, channels = op.out.cols;
  if (op.batch == 0 || rows % op.batch != 0 || op.keys.rows % op.batch != 0 || op.heads == 0 ||
      channels % op.heads != 0) {
    throw Error(ExitCode::kUsage,
                "attention of " + std::to_string(rows) + " new tokens of " +
                    std::to_string(channels) + " channels to " + std::to_string(op.keys.rows) +
                    " cached rows cannot have a batch of " + std::to_string(op.batch) + " and " +
                    std::to_string(op.heads) + " heads");
  }
  check_shape("queries, keys and values", op.qkv, rows, 3 * channels);
  check_shape("the cache of keys", op.keys, op.keys.rows, channels);
  check_shape("the cache of values", op.values, op.keys.rows, channels);
  if (op.cached + rows / op.batch > op.keys.rows / op.batch) {
    throw Error(ExitCode::kUsage, "a cache of " + std::to_string(op.keys.rows / op.batch) +
                                      " tokens holds " + std::to_string(op.cached) +
                                      " and cannot take " + std::to_string(rows / op.batch) +
                                      " more");
  }
  if (rows != 0 && channels != 0) BAYESUM_DISPATCH(stream, cached_attention(stream, op));
}

}  // namespace

void cached_attention(const Stream& stream, const CachedAttention<float>& op) {
  check_and_attend(stream, op);
}

void cached_attention(const Stream& stream, const CachedAttention<BFloat16>& op) {
  check_and_attend(stream, op);
}

}  // namespace bayesum
