#pragma once

#include <filesystem>
#include <span>

#include "models/network/low_rank.hpp"

namespace bayesum {

// Writes the adapters of a GPT-2 as Hugging Face's PEFT keeps them, host memory throughout:
//
//   adapter_model.safetensors   F32 base_model.model.transformer.NAME.lora_A.weight [rank, in] and
//                               .lora_B.weight [out, rank], A and B transposed; no checksum
//   adapter_config.json         peft_type "LORA", r, lora_alpha, target_modules, fan_in_fan_out
//
// so that PeftModel.from_pretrained(base, folder) opens them, `base` the GPT2LMHeadModel that they
// adapt, which the folder does not name. `theta` is over adapters.parameters().
void write_adapters(const std::filesystem::path& folder, const LowRank& adapters,
                    std::span<const float> theta);

}  // namespace bayesum
