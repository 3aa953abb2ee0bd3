#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "models/network/gpt2_parameters.hpp"

namespace bayesum {

// GPT-2 as Hugging Face's `transformers` keeps it: a folder with config.json and model.safetensors,
// without a checksum. Host memory throughout.

// The sizes in a config.json. Error(kFile) naming what is missing or is not those of a GPT-2 with
// gelu_new, layer norms of epsilon 1e-5, 4 C inner channels and attention scaled by the root of the
// size of a head alone, which is the network of this project.
Gpt2Shape read_gpt2_shape(const std::filesystem::path& config_json);

// A model.safetensors as a flat vector over gpt2_parameters(shape); rows of wte that pad the
// vocabulary are zero. Names may begin with "transformer."; masks of attention (h.N.attn.bias,
// h.N.attn.masked_bias) are passed over, and so is lm_head.weight, which must equal wte.weight.
// F64, F32, F16 and BF16 are read. Error(kFile) naming every tensor that is missing, does not
// belong or has another shape or type.
std::vector<float> read_gpt2(const std::filesystem::path& path, const Gpt2Shape& shape);

// Writes config.json and model.safetensors, F32, which GPT2LMHeadModel.from_pretrained opens; with
// sigma, the standard deviations under the same names, sigma.safetensors too. Rows that pad the
// vocabulary are left out. Biases that the network does not have are zero, in both. `end_of_text`:
// the token of that meaning, where there is one. Error(kUsage) for vectors of another size.
void write_gpt2(const std::filesystem::path& folder, const Gpt2Shape& shape,
                std::span<const float> mean, std::span<const float> sigma,
                std::optional<std::int64_t> end_of_text);

}  // namespace bayesum
