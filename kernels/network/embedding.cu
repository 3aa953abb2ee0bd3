#include "kernels/network/embedding.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/network/check.hpp"
#include "kernels/network/cuda_rows.cuh"
#include "kernels/network/row_math.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum::cuda {
namespace {

template <class T>
struct EmbedRow {
  const std::int32_t* tokens;
  std::size_t sequence;
  std::size_t first_position;
  MatrixView<const T> token_table;
  MatrixView<const T> position_table;
  MatrixView<float> out;

  template <class Team>
  __device__ void operator()(std::size_t r, const Team& team) const {
    const bool known = is_index(tokens[r], token_table.rows);
    const T* const token = row_of(token_table, known ? static_cast<std::size_t>(tokens[r]) : 0);
    const T* const position =
        is_given(position_table) ? row_of(position_table, first_position + r % sequence) : nullptr;
    float* const to = row_of(out, r);
    for (std::size_t j = team.rank; j < out.cols; j += Team::size) {
      const float place = position == nullptr ? 0.0f : static_cast<float>(position[j]);
      to[j] = known ? static_cast<float>(token[j]) + place : NAN;
    }
  }
};

template <class T>
void embed_rows(const Stream& stream, const Embedding<T>& op) {
  for_each_row(stream, op.out.rows, op.out.cols,
               EmbedRow<T>{op.tokens.data(), op.sequence, op.first_position, op.token_table,
                           op.position_table, op.out});
}

// The row of the gradient of a position sums every sequence-th row.
struct AddToPosition {
  std::size_t sequence;
  MatrixView<const float> dout;
  MatrixView<float> gradient;

  template <class Team>
  __device__ void operator()(std::size_t position, const Team& team) const {
    for (std::size_t j = team.rank; j < dout.cols; j += Team::size) {
      float sum = row_of(gradient, position)[j];
      for (std::size_t r = position; r < dout.rows; r += sequence) sum += row_of(dout, r)[j];
      row_of(gradient, position)[j] = sum;
    }
  }
};

// The rows in the order of their tokens, those of one token in their own order: sorted are numbers
// whose upper halves are tokens and whose lower halves are rows, no two of them equal.
using SortKey = unsigned long long;
constexpr unsigned kRowBits = 32;
constexpr std::size_t kSortTile = 2048;

struct MakeKey {
  const std::int32_t* tokens;
  std::size_t rows;
  SortKey* keys;
  __device__ void operator()(std::size_t i) const {
    keys[i] = i < rows ? static_cast<SortKey>(static_cast<std::uint32_t>(tokens[i])) << kRowBits | i
                       : ~SortKey{0};
  }
};

// Puts the pair of elements number `pair` at this distance into the order of a bitonic network
// whose runs of 2 half elements ascend and descend by turns.
__device__ void exchange(SortKey* keys, std::size_t first, std::size_t pair, std::size_t half,
                         std::size_t distance) {
  const std::size_t low = pair / distance * 2 * distance + pair % distance;
  const bool ascending = ((first + low) & (2 * half)) == 0;
  const SortKey a = keys[low], b = keys[low + distance];
  if ((a > b) == ascending) {
    keys[low] = b;
    keys[low + distance] = a;
  }
}

struct ExchangeFar {
  SortKey* keys;
  std::size_t half, distance;
  __device__ void operator()(std::size_t pair) const { exchange(keys, 0, pair, half, distance); }
};

// All exchanges that stay within a tile, for runs of 2 first_half up to 2 last_half elements.
__global__ void sort_tile_kernel(SortKey* keys, std::size_t first_half, std::size_t last_half) {
  __shared__ SortKey tile[kSortTile];
  const std::size_t first = blockIdx.x * kSortTile;
  for (std::size_t i = threadIdx.x; i < kSortTile; i += kThreads) tile[i] = keys[first + i];
  for (std::size_t half = first_half; half <= last_half; half *= 2) {
    std::size_t distance = half < kSortTile / 2 ? half : kSortTile / 2;
    for (; distance > 0; distance /= 2) {
      __syncthreads();
      for (std::size_t pair = threadIdx.x; pair < kSortTile / 2; pair += kThreads) {
        exchange(tile, first, pair, half, distance);
      }
    }
  }
  __syncthreads();
  for (std::size_t i = threadIdx.x; i < kSortTile; i += kThreads) keys[first + i] = tile[i];
}

// Bitonic sort of a power of two of keys, a multiple of the tile: with n = size / kSortTile,
// 1 + log n (log n + 3) / 2 kernels, each of which reads and writes all keys.
void sort(const Stream& stream, SortKey* keys, std::size_t size) {
  const auto sort_tiles = [&](std::size_t first_half, std::size_t last_half) {
    sort_tile_kernel<<<grid(size, kSortTile), kThreads, 0, queue(stream)>>>(keys, first_half,
                                                                            last_half);
    check(cudaGetLastError());
  };
  sort_tiles(1, kSortTile / 2);
  for (std::size_t half = kSortTile; half < size; half *= 2) {
    for (std::size_t distance = half; distance >= kSortTile; distance /= 2) {
      for_each(stream, size / 2, ExchangeFar{keys, half, distance});
    }
    sort_tiles(half, half);
  }
}

// A team to a sorted row: that of the first row of a token adds them all, in their order.
struct AddToToken {
  const SortKey* keys;
  MatrixView<const float> dout;
  MatrixView<float> gradient;

  __device__ std::int32_t token(std::size_t i) const {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(keys[i] >> kRowBits));
  }
  __device__ std::size_t row(std::size_t i) const {
    return static_cast<std::size_t>(keys[i] & ((SortKey{1} << kRowBits) - 1));
  }

  template <class Team>
  __device__ void operator()(std::size_t i, const Team& team) const {
    const std::int32_t own = token(i);
    if (!is_index(own, gradient.rows) || (i != 0 && token(i - 1) == own)) return;
    float* const to = row_of(gradient, static_cast<std::size_t>(own));
    for (std::size_t j = team.rank; j < dout.cols; j += Team::size) {
      float sum = to[j];
      for (std::size_t k = i; k < dout.rows && token(k) == own; ++k) sum += row_of(dout, row(k))[j];
      to[j] = sum;
    }
  }
};

}  // namespace

void embed(const Stream& stream, const Embedding<float>& op) { embed_rows(stream, op); }
void embed(const Stream& stream, const Embedding<BFloat16>& op) { embed_rows(stream, op); }

// The same order of additions as on the CPU. The longest run of one token is walked by one block.
void embed_backward(const Stream& stream, const EmbeddingBackward& op) {
  const std::size_t rows = op.dout.rows;
  if (rows == 0 || op.dout.cols == 0) return;
  if (is_given(op.position_gradient)) {
    for_each_row(stream, std::min(op.sequence, rows), op.dout.cols,
                 AddToPosition{op.sequence, op.dout, op.position_gradient});
  }
  const std::size_t size = std::max(kSortTile, std::bit_ceil(rows));
  auto* const keys = static_cast<SortKey*>(stream.scratch(size * sizeof(SortKey)));
  for_each(stream, size, MakeKey{op.tokens.data(), rows, keys});
  sort(stream, keys, size);
  for_each_row_by<kThreads>(stream, rows, AddToToken{keys, op.dout, op.token_gradient});
}

}  // namespace bayesum::cuda
