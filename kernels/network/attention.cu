#include "kernels/network/attention.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

#include "kernels/network/attention_tile.cuh"
#include "kernels/network/check.hpp"
#include "kernels/network/cuda_rows.cuh"
#include "kernels/network/cudnn_attention.hpp"
#include "kernels/network/math.hpp"
#include "kernels/network/twins.hpp"

// A block of threads has a tile of one head: of queries in the forward pass and for the gradient of
// queries, of keys for that of keys and values. So every sum is of one thread, in a fixed order;
// the price is that the backward pass computes scores twice. Blocks with the most to do come first.
namespace bayesum::cuda {
namespace {

extern __shared__ float4 shared_memory[];

__device__ inline float* shared_floats() { return reinterpret_cast<float*>(shared_memory); }

// Which head of which sequence a block is for, and which tile of its tokens.
struct Place {
  std::size_t sequence, size, channels, unit, head, first_row, tiles, tile;

  template <class Op>
  __device__ Place(const Op& op, unsigned rows_of_tile)
      : sequence(op.sequence), size(op.out.cols / op.heads), channels(op.out.cols) {
    const std::size_t units = op.out.rows / sequence * op.heads;
    unit = blockIdx.x % units;
    head = unit % op.heads;
    first_row = unit / op.heads * sequence;
    tiles = (sequence + rows_of_tile - 1) / rows_of_tile;
    tile = blockIdx.x / units;
  }

  __device__ float scale() const { return 1.0f / std::sqrt(static_cast<float>(size)); }
  // Of a tile from this token on.
  __device__ std::size_t rows_from(std::size_t first) const { return sequence - first; }
  // This head in row `token` of a matrix of channels, or of queries (0), keys (1) and values (2).
  template <class T>
  __device__ T* in(const MatrixView<T>& matrix, std::size_t token, std::size_t part = 0) const {
    return row_of(matrix, first_row + token) + part * channels + head * size;
  }
  __device__ std::size_t row(std::size_t token) const { return first_row + token; }
};

struct Larger {
  __device__ float operator()(float a, float b) const { return b > a ? b : a; }
};

struct Add {
  __device__ float operator()(float a, float b) const { return a + b; }
};

// The running softmax of the rows of a thread; see the CPU twin.
template <class Tile>
struct RunningSoftmax {
  float largest[Tile::kPer], total[Tile::kPer];

  __device__ RunningSoftmax() {
    for (unsigned i = 0; i < Tile::kPer; ++i) {
      largest[i] = -INFINITY;
      total[i] = 0.0f;
    }
  }

  // Of scores of queries from `query` on and keys from `key` on.
  __device__ void take(std::size_t query, std::size_t key, typename Tile::Scores& scores,
                       typename Tile::Sums& sums) {
    for (unsigned i = 0; i < Tile::kPer; ++i) {
      float top = largest[i], sum = 0.0f;
      for (unsigned j = 0; j < Tile::kPer; ++j) {
        if (key + Tile::score_column(j) > query + Tile::row(i)) scores[i][j] = -INFINITY;
        top = scores[i][j] > top ? scores[i][j] : top;
      }
      top = reduce_row(top, Larger{});
      for (unsigned j = 0; j < Tile::kPer; ++j) {
        scores[i][j] = fast_exp(scores[i][j] - top);
        sum += scores[i][j];
      }
      const float shrink = total[i] == 0.0f ? 0.0f : fast_exp(largest[i] - top);
      total[i] = total[i] * shrink + reduce_row(sum, Add{});
      largest[i] = top;
      for (unsigned k = 0; k < Tile::kCols; ++k) sums[i][k] *= shrink;
    }
  }
};

constexpr unsigned kForwardRows = 64;

template <class T, unsigned kSize>
__global__ void __launch_bounds__(kThreads)
    forward_kernel(const __grid_constant__ Attention<T> op) {
  constexpr unsigned kRows = kForwardRows;
  using Tile = cuda::Tile<kSize, kRows>;
  const Place place(op, kRows);
  const std::size_t first = (place.tiles - 1 - place.tile) * kRows;
  float* const queries = shared_floats();
  float* const others = queries + Tile::kFloats;  // keys, then values
  float* const scores = others + Tile::kFloats;
  Tile::load(place.in(op.qkv, first), op.qkv.stride, place.rows_from(first), place.size,
             place.scale(), queries);
  RunningSoftmax<Tile> softmax;
  typename Tile::Sums sums = {};
  for (std::size_t key = 0; key <= first; key += kRows) {
    __syncthreads();
    Tile::load(place.in(op.qkv, key, 1), op.qkv.stride, place.rows_from(key), place.size, 1.0f,
               others);
    __syncthreads();
    typename Tile::Scores own;
    Tile::multiply(queries, others, own);
    __syncthreads();
    Tile::load(place.in(op.qkv, key, 2), op.qkv.stride, place.rows_from(key), place.size, 1.0f,
               others);
    softmax.take(first, key, own, sums);
    Tile::store_scores(own, scores);
    __syncthreads();
    Tile::add_product(scores, others, sums);
  }
  Tile::write(
      sums, [&](unsigned i) { return 1.0f / softmax.total[i]; }, place.rows_from(first), place.size,
      place.in(op.out, first), op.out.stride);
  for (unsigned i = 0; i < Tile::kPer && threadIdx.x % kSide == 0; ++i) {
    const std::size_t token = first + Tile::row(i);
    if (token >= place.sequence) break;
    row_of(op.log_sum_exp, place.unit)[token] = softmax.largest[i] + std::log(softmax.total[i]);
  }
}

// With P the probabilities, D_t = dout_t . out_t and dS = P (dO V' - D), as in the CPU twin.
template <class T>
struct BackwardPass {
  AttentionBackward<T> op;
  float* dots;  // rows x heads

  __device__ float level(const Place& place, std::size_t token) const {
    return row_of(op.log_sum_exp, place.unit)[token];
  }
  __device__ float dot(const Place& place, std::size_t token) const {
    return dots[place.row(token) * op.heads + place.head];
  }
};

template <class T>
struct DotOfHead {
  AttentionBackward<T> op;
  float* dots;

  template <class Team>
  __device__ void operator()(std::size_t unit, const Team& team) const {
    const std::size_t r = unit / op.heads, size = op.out.cols / op.heads;
    const T* const out = row_of(op.out, r) + unit % op.heads * size;
    const T* const dout = row_of(op.dout, r) + unit % op.heads * size;
    float sum = 0.0f;
    for (std::size_t c = team.rank; c < size; c += Team::size) {
      sum += static_cast<float>(out[c]) * static_cast<float>(dout[c]);
    }
    sum = team.sum(sum);
    if (team.rank == 0) dots[unit] = sum;
  }
};

// P and dS of one query and key, from s and dO V'; both 0 where the query does not see the key.
__device__ inline void differentiate(bool seen, float level, float dot, float& score,
                                     float& dscore) {
  const float p = seen ? fast_exp(score - level) : 0.0f;
  score = p;
  dscore = seen ? p * (dscore - dot) : 0.0f;
}

// dV = P' dO and dK = dS' Q / sqrt(size), of a tile of keys, which are the rows of its scores.
template <class T, unsigned kSize, unsigned kRows>
__global__ void __launch_bounds__(kThreads)
    key_gradient_kernel(const __grid_constant__ BackwardPass<T> pass) {
  using Tile = cuda::Tile<kSize, kRows>;
  const auto& op = pass.op;
  const Place place(op, kRows);
  const std::size_t first = place.tile * kRows;
  float* const keys = shared_floats();
  float* const values = keys + Tile::kFloats;
  float* const queries = values + Tile::kFloats;
  float* const dout = queries + Tile::kFloats;
  float* const scores = dout + Tile::kFloats;
  Tile::load(place.in(op.qkv, first, 1), op.qkv.stride, place.rows_from(first), place.size, 1.0f,
             keys);
  Tile::load(place.in(op.qkv, first, 2), op.qkv.stride, place.rows_from(first), place.size, 1.0f,
             values);
  typename Tile::Sums dkeys = {}, dvalues = {};
  for (std::size_t query = first; query < place.sequence; query += kRows) {
    __syncthreads();
    Tile::load(place.in(op.qkv, query), op.qkv.stride, place.rows_from(query), place.size,
               place.scale(), queries);
    Tile::load(place.in(op.dout, query), op.dout.stride, place.rows_from(query), place.size, 1.0f,
               dout);
    __syncthreads();
    typename Tile::Scores p, ds;
    Tile::multiply(keys, queries, p);
    Tile::multiply(values, dout, ds);
    for (unsigned j = 0; j < Tile::kPer; ++j) {
      const std::size_t t = query + Tile::score_column(j);
      const bool there = t < place.sequence;
      const float level = there ? pass.level(place, t) : 0.0f;
      const float dot = there ? pass.dot(place, t) : 0.0f;
      for (unsigned i = 0; i < Tile::kPer; ++i) {
        differentiate(there && first + Tile::row(i) <= t, level, dot, p[i][j], ds[i][j]);
      }
    }
    Tile::store_scores(p, scores);
    __syncwarp();
    Tile::add_product(scores, dout, dvalues);
    __syncwarp();
    Tile::store_scores(ds, scores);
    __syncwarp();
    Tile::add_product(scores, queries, dkeys);
  }
  const auto one = [](unsigned) { return 1.0f; };
  Tile::write(dkeys, one, place.rows_from(first), place.size, place.in(op.dqkv, first, 1),
              op.dqkv.stride);
  Tile::write(dvalues, one, place.rows_from(first), place.size, place.in(op.dqkv, first, 2),
              op.dqkv.stride);
}

// dQ = dS K / sqrt(size), of a tile of queries.
template <class T, unsigned kSize, unsigned kRows>
__global__ void __launch_bounds__(kThreads)
    query_gradient_kernel(const __grid_constant__ BackwardPass<T> pass) {
  using Tile = cuda::Tile<kSize, kRows>;
  const auto& op = pass.op;
  const Place place(op, kRows);
  const std::size_t first = (place.tiles - 1 - place.tile) * kRows;
  float* const queries = shared_floats();
  float* const dout = queries + Tile::kFloats;
  float* const keys = dout + Tile::kFloats;
  float* const values = keys + Tile::kFloats;
  float* const scores = values + Tile::kFloats;
  Tile::load(place.in(op.qkv, first), op.qkv.stride, place.rows_from(first), place.size,
             place.scale(), queries);
  Tile::load(place.in(op.dout, first), op.dout.stride, place.rows_from(first), place.size, 1.0f,
             dout);
  float level[Tile::kPer], dot[Tile::kPer];
  for (unsigned i = 0; i < Tile::kPer; ++i) {
    const std::size_t t = first + Tile::row(i);
    level[i] = t < place.sequence ? pass.level(place, t) : 0.0f;
    dot[i] = t < place.sequence ? pass.dot(place, t) : 0.0f;
  }
  typename Tile::Sums dqueries = {};
  for (std::size_t key = 0; key <= first; key += kRows) {
    __syncthreads();
    Tile::load(place.in(op.qkv, key, 1), op.qkv.stride, place.rows_from(key), place.size, 1.0f,
               keys);
    Tile::load(place.in(op.qkv, key, 2), op.qkv.stride, place.rows_from(key), place.size, 1.0f,
               values);
    __syncthreads();
    typename Tile::Scores p, ds;
    Tile::multiply(queries, keys, p);
    Tile::multiply(dout, values, ds);
    for (unsigned i = 0; i < Tile::kPer; ++i) {
      const std::size_t t = first + Tile::row(i);
      for (unsigned j = 0; j < Tile::kPer; ++j) {
        const bool seen = t < place.sequence && key + Tile::score_column(j) <= t;
        differentiate(seen, level[i], dot[i], p[i][j], ds[i][j]);
      }
    }
    Tile::store_scores(ds, scores);
    __syncwarp();
    Tile::add_product(scores, keys, dqueries);
  }
  const float scale = place.scale();
  Tile::write(
      dqueries, [scale](unsigned) { return scale; }, place.rows_from(first), place.size,
      place.in(op.dqkv, first), op.dqkv.stride);
}

// A block to each tile of each head of each sequence.
template <class Argument, class Op>
void launch(const Stream& stream, void (*kernel)(Argument), const Argument& argument, const Op& op,
            std::size_t rows_of_tile, std::size_t shared) {
  const std::size_t tiles = (op.sequence + rows_of_tile - 1) / rows_of_tile;
  const std::size_t blocks = op.out.rows / op.sequence * op.heads * tiles;
  const int bytes = static_cast<int>(shared * sizeof(float));
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  kernel<<<grid(blocks, 1), kThreads, bytes, queue(stream)>>>(argument);
  check(cudaGetLastError());
}

// body(constant) with the smallest size that kernels are made for and heads fit into.
template <class Body>
void with_padded_size(std::size_t size, const Body& body) {
  if (size <= 64) return body(std::integral_constant<unsigned, 64>{});
  if (size <= 128) return body(std::integral_constant<unsigned, 128>{});
  throw Error(ExitCode::kUsage, "attention on a GPU takes heads of at most 128 channels, not " +
                                    std::to_string(size));
}

template <unsigned kSize, unsigned kRows>
constexpr std::size_t shared_floats_of(std::size_t tiles) {
  return tiles * cuda::Tile<kSize, kRows>::kFloats + cuda::Tile<kSize, kRows>::kScoreFloats;
}

template <unsigned kSize>
constexpr unsigned kBackwardRows = kSize == 64 ? 64 : 32;
template <unsigned kSize>
constexpr std::size_t kForwardShared = shared_floats_of<kSize, kForwardRows>(2);
template <unsigned kSize>
constexpr std::size_t kBackwardShared = shared_floats_of<kSize, kBackwardRows<kSize>>(4);

template <class T>
void attend(const Stream& stream, const Attention<T>& op) {
  with_padded_size(op.out.cols / op.heads, [&](auto padded) {
    constexpr unsigned kSize = decltype(padded)::value;
    launch(stream, forward_kernel<T, kSize>, op, op, kForwardRows, kForwardShared<kSize>);
  });
}

template <class T>
void go_back(const Stream& stream, const AttentionBackward<T>& op) {
  const std::size_t units = op.out.rows * op.heads;
  const BackwardPass<T> pass{op, static_cast<float*>(stream.scratch(units * sizeof(float)))};
  with_padded_size(op.out.cols / op.heads, [&](auto padded) {
    constexpr unsigned kSize = decltype(padded)::value, kRows = kBackwardRows<kSize>;
    constexpr std::size_t kShared = kBackwardShared<kSize>;
    for_each_row_by<kWarp>(stream, units, DotOfHead<T>{op, pass.dots});
    launch(stream, key_gradient_kernel<T, kSize, kRows>, pass, op, kRows, kShared);
    launch(stream, query_gradient_kernel<T, kSize, kRows>, pass, op, kRows, kShared);
  });
}

}  // namespace

void check_attention(const Stream& stream, std::size_t head_size, bool backward) {
  with_padded_size(head_size, [&](auto padded) {
    constexpr unsigned kSize = decltype(padded)::value;
    const std::size_t floats =
        backward ? std::max(kForwardShared<kSize>, kBackwardShared<kSize>) : kForwardShared<kSize>;
    const std::size_t bytes = floats * sizeof(float);
    int most = 0;
    check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin,
                                 stream.device().index));
    if (bytes <= static_cast<std::size_t>(most)) return;
    throw Error(ExitCode::kDevice, "attention of heads of " + std::to_string(head_size) +
                                       " channels needs " + std::to_string(bytes) +
                                       " bytes of shared memory, and a block on " +
                                       to_string(stream.device()) + " has " + std::to_string(most));
  });
}
void attention(const Stream& stream, const Attention<float>& op) { attend(stream, op); }
void attention(const Stream& stream, const Attention<BFloat16>& op) {
  if (!attention_by_cudnn(stream, op)) attend(stream, op);
}
void attention_backward(const Stream& stream, const AttentionBackward<float>& op) {
  go_back(stream, op);
}
void attention_backward(const Stream& stream, const AttentionBackward<BFloat16>& op) {
  if (!attention_backward_by_cudnn(stream, op)) go_back(stream, op);
}

}  // namespace bayesum::cuda
