#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/files/expected_tensors.hpp"
#include "core/files/tensor_reader.hpp"
#include "core/files/tensor_writer.hpp"
#include "core/weights/parameter_space.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// How vectors over the parameters of a network lie in files: a float32 tensor for each tensor of
// the ParameterSpace, "KIND.NAME", as "mean.h.0.attn.c_attn.weight". What lies between tensors is
// not written. The vectors live on the device of the stream and pass through the host in pieces.

std::vector<TensorEntry> weight_entries(const ParameterSpace& space, const std::string& kind);
std::vector<ExpectedTensor> expected_weights(const ParameterSpace& space, const std::string& kind);

// The bytes of the entries of one kind, in their order.
void write_weights(const Stream& stream, const ParameterSpace& space, std::span<const float> values,
                   TensorWriter& file);

// Fills the places of the tensors, whose shapes were checked.
void read_weights(const Stream& stream, const TensorReader& file, const ParameterSpace& space,
                  const std::string& kind, std::span<float> values);

}  // namespace bayesum
