#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/weights/parameter_space.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// The weights that adapters adapt (models/network/low_rank.hpp), kept beside the posterior of the
// adapters, so that a run folder can be moved and read without what it was started from: the file
// base.safetensors, by core/FORMAT.md. The posterior knows their hash.

std::filesystem::path base_path(const std::filesystem::path& posterior);

// Of all bytes of a vector in host memory.
std::uint64_t hash_of_weights(std::span<const float> weights);

// The weights live on the device of the stream. Whole or absent, the same bytes for the same
// weights.
void write_base(const Stream& stream, const std::filesystem::path& posterior,
                const ParameterSpace& space, std::span<const float> weights);

// In host memory. Error(kFile) where there is no such file, where it is damaged or of another
// network, and where its weights do not have this hash.
std::vector<float> read_base(const std::filesystem::path& posterior, const ParameterSpace& space,
                             std::uint64_t hash);

}  // namespace bayesum
