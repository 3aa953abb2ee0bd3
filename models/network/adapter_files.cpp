#include "models/network/adapter_files.hpp"

#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "core/examples/example_texts.hpp"
#include "core/files/atomic_file.hpp"
#include "core/files/tensor_writer.hpp"

namespace bayesum {
namespace {

const std::string kModel = "transformer.";
const std::string kPrefix = "base_model.model." + kModel;
const std::string kFirst = ".lora_A";

std::vector<float> transposed(std::span<const float> values, std::size_t rows, std::size_t cols) {
  std::vector<float> out(values.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < cols; ++j) out[j * rows + i] = values[i * cols + j];
  }
  return out;
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

std::string config_text(const LowRank& adapters) {
  Strings modules;
  for (const ParameterTensor& tensor : adapters.parameters().tensors()) {
    if (!tensor.name.ends_with(kFirst)) continue;
    modules.push_back(kModel + tensor.name.substr(0, tensor.name.size() - kFirst.size()));
  }
  const std::vector<std::pair<const char*, std::string>> fields{
      {"peft_type", "\"LORA\""},
      {"task_type", "\"CAUSAL_LM\""},
      {"base_model_name_or_path", "null"},
      {"r", std::to_string(adapters.rank())},
      {"lora_alpha", number_text(adapters.alpha())},
      {"lora_dropout", "0.0"},
      {"target_modules", to_json(modules)},
      {"fan_in_fan_out", "true"},
      {"bias", "\"none\""},
      {"inference_mode", "true"}};
  std::string text = "{";
  for (const auto& [key, value] : fields) {
    text.append(text == "{" ? "\n  \"" : ",\n  \"").append(key).append("\": ").append(value);
  }
  return text + "\n}\n";
}

}  // namespace

void write_adapters(const std::filesystem::path& folder, const LowRank& adapters,
                    std::span<const float> theta) {
  std::vector<std::vector<float>> values;
  std::vector<TensorView> views;
  for (const ParameterTensor& tensor : adapters.parameters().tensors()) {
    const std::size_t rows = tensor.shape[0], cols = tensor.shape[1];
    values.push_back(transposed(theta.subspan(tensor.first, tensor.size()), rows, cols));
    views.push_back({kPrefix + tensor.name + ".weight",
                     TensorType::kF32,
                     {cols, rows},
                     std::as_bytes(std::span(values.back()))});
  }
  write_tensors(folder / "adapter_model.safetensors", {{"format", "pt"}}, std::move(views),
                Checksum::kNone);
  write_atomically(folder / "adapter_config.json", config_text(adapters));
}

}  // namespace bayesum
