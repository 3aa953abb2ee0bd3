#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/bfloat16.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// From tokens to the residual stream: out_r = token_table[tokens_r] + position_table[position of
// r], row r being at position first_position + r % sequence of its sequence. Row r of `out` (rows x
// channels) is NaN when its token is outside the table. No position table: tokens alone.
// Throws Error(kUsage) when shapes do not fit or positions go past their table.
template <class T>
struct Embedding {
  std::span<const std::int32_t> tokens{};
  std::size_t sequence = 1;
  std::size_t first_position = 0;
  MatrixView<const T> token_table{};     // vocabulary x channels
  MatrixView<const T> position_table{};  // positions x channels, or empty
  MatrixView<float> out{};
};
void embed(const Stream& stream, const Embedding<float>& op);
void embed(const Stream& stream, const Embedding<BFloat16>& op);

// Gradients of the tables, added to: each row of dout goes to the row of its token and of its
// position. Every element of a gradient sums its rows in their order. A token outside the table
// goes nowhere.
struct EmbeddingBackward {
  std::span<const std::int32_t> tokens{};
  std::size_t sequence = 1;
  MatrixView<const float> dout{};         // rows x channels
  MatrixView<float> token_gradient{};     // vocabulary x channels
  MatrixView<float> position_gradient{};  // positions x channels, or empty
};
void embed_backward(const Stream& stream, const EmbeddingBackward& op);

}  // namespace bayesum
