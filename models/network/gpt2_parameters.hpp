#pragma once

#include <cstddef>
#include <string>

#include "core/weights/parameter_space.hpp"

namespace bayesum {

// The sizes of a GPT-2 (Radford et al., Language Models are Unsupervised Multitask Learners, 2019).
struct Gpt2Shape {
  std::size_t vocabulary = 50257;  // tokens
  std::size_t context = 1024;      // positions
  std::size_t layers = 12;
  std::size_t heads = 12;
  std::size_t channels = 768;
  bool biases = true;                   // of linear maps and layer norms
  std::size_t vocabulary_multiple = 1;  // to which wte is padded with rows that no token has

  std::size_t embedded() const;  // rows of wte
};

// The parameters of GPT-2 by the names of its usual files, in the order of the forward pass. With C
// channels, linear maps are [in, out], y = x W + b:
//
//   wte.weight [embedded, C]       embeddings of tokens, and the output map (transposed)
//   wpe.weight [context, C]        of positions
//   h.N.ln_1.weight, .bias [C]     layer norm before attention: gain, bias
//   h.N.attn.c_attn.weight [C, 3C], .bias [3C]   query, key, value
//   h.N.attn.c_proj.weight [C, C], .bias [C]
//   h.N.ln_2.weight, .bias [C]
//   h.N.mlp.c_fc.weight [C, 4C], .bias [4C]
//   h.N.mlp.c_proj.weight [4C, C], .bias [C]
//   ln_f.weight, .bias [C]
//
// Weights start at N(0, 0.02^2), those of both c_proj, of which 2 layers add to the residual
// stream, at N(0, 0.02^2 / (2 layers)); gains at 1, biases at 0. Error(kUsage) for a size of zero,
// and for channels that the heads do not divide.
ParameterSpace gpt2_parameters(const Gpt2Shape& shape);

}  // namespace bayesum
