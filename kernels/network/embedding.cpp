#include "kernels/network/embedding.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "kernels/network/check.hpp"
#include "kernels/network/row_math.hpp"
#include "kernels/network/simd.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

template <class T>
void embed_row(const Embedding<T>& op, std::size_t r) {
  const std::size_t channels = op.out.cols;
  float* const out = row_of(op.out, r);
  if (!is_index(op.tokens[r], op.token_table.rows)) {
    std::fill(out, out + channels, std::numeric_limits<float>::quiet_NaN());
    return;
  }
  const T* const token = row_of(op.token_table, static_cast<std::size_t>(op.tokens[r]));
  BAYESUM_SIMD()
  for (std::size_t j = 0; j < channels; ++j) out[j] = static_cast<float>(token[j]);
  if (!is_given(op.position_table)) return;
  const T* const position = row_of(op.position_table, op.first_position + r % op.sequence);
  BAYESUM_SIMD()
  for (std::size_t j = 0; j < channels; ++j) out[j] += static_cast<float>(position[j]);
}

template <class T>
void embed_rows(const Embedding<T>& op) {
  for_row_ranges(op.out.rows, op.out.cols, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) embed_row(op, r);
  });
}

void add_row(const float* from, float* to, std::size_t begin, std::size_t end) {
  BAYESUM_SIMD()
  for (std::size_t j = begin; j < end; ++j) to[j] += from[j];
}

}  // namespace

void embed(const Stream&, const Embedding<float>& op) { embed_rows(op); }
void embed(const Stream&, const Embedding<BFloat16>& op) { embed_rows(op); }

// A thread has some of the channels of all rows, so that no two add to one element.
void embed_backward(const Stream&, const EmbeddingBackward& op) {
  constexpr std::size_t kChannels = 64;
  parallel_ranges(op.dout.cols, kChannels, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = 0; r < op.dout.rows; ++r) {
      const float* const from = row_of(op.dout, r);
      if (is_index(op.tokens[r], op.token_gradient.rows)) {
        const auto token = static_cast<std::size_t>(op.tokens[r]);
        add_row(from, row_of(op.token_gradient, token), begin, end);
      }
      if (is_given(op.position_gradient)) {
        add_row(from, row_of(op.position_gradient, r % op.sequence), begin, end);
      }
    }
  });
}

}  // namespace cpu

namespace {

void check_positions(std::size_t positions, std::size_t needed) {
  if (needed <= positions) return;
  throw Error(ExitCode::kUsage, "a sequence reaches position " + std::to_string(needed) +
                                    ", but the table of positions has " +
                                    std::to_string(positions) + " rows");
}

void check_sequence(std::size_t sequence) {
  if (sequence == 0) throw Error(ExitCode::kUsage, "an embedding needs sequences of 1 or more");
}

template <class T>
void check_and_embed(const Stream& stream, const Embedding<T>& op) {
  check_sequence(op.sequence);
  check_shape("the residual stream", op.out, op.tokens.size(), op.token_table.cols);
  if (is_given(op.position_table)) {
    check_shape("the table of positions", op.position_table, op.position_table.rows,
                op.token_table.cols);
    check_positions(op.position_table.rows, op.first_position + std::min(op.sequence, op.out.rows));
  }
  BAYESUM_DISPATCH(stream, embed(stream, op));
}

}  // namespace

void embed(const Stream& stream, const Embedding<float>& op) { check_and_embed(stream, op); }
void embed(const Stream& stream, const Embedding<BFloat16>& op) { check_and_embed(stream, op); }

void embed_backward(const Stream& stream, const EmbeddingBackward& op) {
  check_sequence(op.sequence);
  check_shape("the gradient of an embedding", op.dout, op.tokens.size(), op.token_gradient.cols);
  if (is_given(op.position_gradient)) {
    check_shape("the gradient of positions", op.position_gradient, op.position_gradient.rows,
                op.token_gradient.cols);
    check_positions(op.position_gradient.rows, std::min(op.sequence, op.dout.rows));
  }
  BAYESUM_DISPATCH(stream, embed_backward(stream, op));
}

}  // namespace bayesum
