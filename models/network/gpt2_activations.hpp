#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "kernels/matrix.hpp"
#include "models/network/gpt2_config.hpp"

namespace bayesum {

// What of the blocks outlives its use in the forward pass.
enum class Kept { kNothing, kEntrances, kAll };

inline Kept kept_in_training(const Gpt2Config& config) {
  return config.recompute ? Kept::kEntrances : Kept::kAll;
}

// The tokens of a pass: rows x length.
struct Gpt2Extent {
  std::size_t rows = 0;
  std::size_t length = 0;
  Kept kept = Kept::kNothing;

  std::size_t tokens() const { return rows * length; }
  friend bool operator==(const Gpt2Extent&, const Gpt2Extent&) = default;
};

// Rows are tokens; of log_sum_exp they are the heads of sequences.
template <class T>
struct BlockActivations {
  MatrixView<float> entrance;  // the residual stream before the block
  std::span<float> mean_1, rstd_1;
  MatrixView<T> normal_1;  // what the first layer norm makes of it
  MatrixView<T> qkv;
  MatrixView<T> attended;
  MatrixView<float> log_sum_exp;
  MatrixView<float> middle;  // the residual stream between attention and perceptron
  std::span<float> mean_2, rstd_2;
  MatrixView<T> normal_2;
  MatrixView<T> before, hidden;  // GELU's input and output
};

// The memory of a pass, cut out of one piece. Of what is not kept the blocks share the same.
template <class T>
struct Gpt2Activations {
  // `memory` of `bytes`, which is set even where it is null: then only sizes are meant.
  Gpt2Activations(const Gpt2Config& config, const Gpt2Extent& extent, std::byte* memory);

  std::size_t bytes = 0;
  std::vector<BlockActivations<T>> blocks;
  MatrixView<T> passing;   // tokens x channels, from one operation to the next
  MatrixView<float> exit;  // the residual stream behind the blocks
  std::span<float> mean, rstd;
  MatrixView<T> normal;
  MatrixView<float> logits;  // of a chunk of rows
  // Of the backward pass alone.
  MatrixView<T> dlogits;      // where T is not float
  MatrixView<float> dstream;  // gradient of the residual stream
  MatrixView<T> ddelta;       // of what joined it; where that differs from dstream
  MatrixView<T> dwide;        // of qkv, then of GELU's input: tokens x 4 channels
};

extern template struct Gpt2Activations<float>;
extern template struct Gpt2Activations<BFloat16>;

}  // namespace bayesum
