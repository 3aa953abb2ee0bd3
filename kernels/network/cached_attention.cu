#include "kernels/network/cached_attention.hpp"

#include <cmath>

#include "kernels/network/check.hpp"
#include "kernels/network/cuda_rows.cuh"
#include "kernels/network/math.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum::cuda {
namespace {

template <class T>
struct KeepRow {
  CachedAttention<T> op;
  std::size_t news;

  template <class Team>
  __device__ void operator()(std::size_t r, const Team& team) const {
    const std::size_t channels = op.out.cols, capacity = op.keys.rows / op.batch;
    const std::size_t place = r / news * capacity + op.cached + r % news;
    const T* const key = row_of(op.qkv, r) + channels;
    for (std::size_t j = team.rank; j < channels; j += Team::size) {
      row_of(op.keys, place)[j] = key[j];
      row_of(op.values, place)[j] = key[channels + j];
    }
  }
};

// Head h of new token r, for unit r heads + h, by a block: first a thread to a key, then a warp to
// some of the keys and a lane to a channel.
template <class T>
struct AttendHead {
  CachedAttention<T> op;
  std::size_t news;
  float* scores;  // of every unit, cached + news each

  __device__ void operator()(std::size_t unit, const Team<kThreads>& team) const {
    const std::size_t r = unit / op.heads, h = unit % op.heads, size = op.out.cols / op.heads;
    const std::size_t seen = op.cached + r % news + 1;
    const std::size_t first = r / news * (op.keys.rows / op.batch);
    float* const own = scores + unit * (op.cached + news);
    const float scale = 1.0f / std::sqrt(static_cast<float>(size));
    const T* const query = row_of(op.qkv, r) + h * size;
    float largest = -INFINITY;
    for (std::size_t u = team.rank; u < seen; u += kThreads) {
      const T* const key = row_of(op.keys, first + u) + h * size;
      float dot = 0.0f;
      for (std::size_t c = 0; c < size; ++c) {
        dot += static_cast<float>(query[c]) * static_cast<float>(key[c]);
      }
      own[u] = scale * dot;
      largest = own[u] > largest ? own[u] : largest;
    }
    largest = team.largest(largest);
    float total = 0.0f;
    for (std::size_t u = team.rank; u < seen; u += kThreads) {
      own[u] = fast_exp(own[u] - largest);
      total += own[u];
    }
    total = team.sum(total);
    __syncthreads();  // every thread reads every score
    add_values(op, own, seen, first, h * size, 1.0f / total, row_of(op.out, r) + h * size);
  }

  __device__ static void add_values(const CachedAttention<T>& op, const float* weights,
                                    std::size_t seen, std::size_t first, std::size_t column,
                                    float factor, T* out) {
    constexpr unsigned kWarps = kThreads / kWarp;
    __shared__ float of_warp[kWarps][kWarp];
    const unsigned warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
    const std::size_t size = op.out.cols / op.heads;
    for (std::size_t c = lane; c < size + lane; c += kWarp) {
      float sum = 0.0f;
      for (std::size_t u = warp; c < size && u < seen; u += kWarps) {
        sum += weights[u] * static_cast<float>(row_of(op.values, first + u)[column + c]);
      }
      of_warp[warp][lane] = sum;
      __syncthreads();
      if (warp == 0 && c < size) {
        for (unsigned other = 1; other < kWarps; ++other) sum += of_warp[other][lane];
        store(out[c], factor * sum);
      }
      __syncthreads();
    }
  }
};

template <class T>
void attend_to_cache(const Stream& stream, const CachedAttention<T>& op) {
  const std::size_t rows = op.out.rows, news = rows / op.batch, units = rows * op.heads;
  const std::size_t bytes = units * (op.cached + news) * sizeof(float);
  auto* const scores = static_cast<float*>(stream.scratch(bytes));
  for_each_row(stream, rows, op.out.cols, KeepRow<T>{op, news});
  for_each_row_by<kThreads>(stream, units, AttendHead<T>{op, news, scores});
}

}  // namespace

void cached_attention(const Stream& stream, const CachedAttention<float>& op) {
  attend_to_cache(stream, op);
}

void cached_attention(const Stream& stream, const CachedAttention<BFloat16>& op) {
  attend_to_cache(stream, op);
}

}  // namespace bayesum::cuda
