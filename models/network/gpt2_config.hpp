#pragma once

#include <cstddef>

#include "models/network/gpt2_parameters.hpp"

namespace bayesum {

// What activations are stored in and matrices multiplied as. With kBFloat16 all weights that are
// multiplied are rounded first, draws of them stochastically (Theta); sums, the residual stream,
// layer norms, biases, embeddings, logits and gradients of weights stay float32.
enum class Precision { kFloat32, kBFloat16 };

struct Gpt2Config {
  Gpt2Shape shape;
  double dropout = 0;      // of the embedding and of what joins the residual stream
  bool recompute = false;  // keep the residual stream before each block, and compute the block
                           // again in the backward pass
  Precision precision = Precision::kFloat32;
};

// Bytes that a training pass over rows x length tokens takes on the device beside weights and
// gradient: exactly what Gpt2 allocates for it, the logits of a chunk of rows included.
std::size_t activation_bytes(const Gpt2Config& config, std::size_t rows, std::size_t length);

// Floating-point operations that training needs for one token in sequences of this length,
//
//   6 P + 12 layers channels length,
//
// P the weights that multiply every token: all matrices of the blocks, and wte as the output map,
// without what pads the vocabulary. Chowdhery et al., PaLM, JMLR 24, 2023, appendix B: attention
// counts as if every token saw all others, and what is computed again does not count.
double flops_per_token(const Gpt2Config& config, std::size_t length);

}  // namespace bayesum
