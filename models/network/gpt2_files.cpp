#include "models/network/gpt2_files.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <regex>
#include <string>
#include <utility>

#include "core/files/atomic_file.hpp"
#include "core/files/expected_tensors.hpp"
#include "core/files/json_fields.hpp"
#include "core/files/tensor_reader.hpp"
#include "core/files/tensor_writer.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

const std::string kPrefix = "transformer.";
constexpr const char* kEmbeddings = "wte.weight";
constexpr const char* kHead = "lm_head.weight";
constexpr double kEpsilon = 1e-5;
constexpr std::size_t kMost = std::size_t{1} << 31;  // of anything that a GPT-2 has

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ExitCode::kFile, path.string() + ": " + why);
}

// As the tensors lie in files: all biases, and no rows beyond the vocabulary.
ParameterSpace filed_parameters(Gpt2Shape shape) {
  shape.biases = true;
  shape.vocabulary_multiple = 1;
  return gpt2_parameters(shape);
}

// The entries of the network itself, under its names.
std::vector<TensorEntry> network_entries(const TensorReader& file) {
  static const std::regex mask("h\\.[0-9]+\\.attn\\.(masked_)?bias");
  std::vector<TensorEntry> entries;
  for (TensorEntry entry : file.entries()) {
    if (entry.name.starts_with(kPrefix)) entry.name.erase(0, kPrefix.size());
    if (entry.name == kHead || std::regex_match(entry.name, mask)) continue;
    const auto same = std::ranges::find(entries, entry.name, &TensorEntry::name);
    if (same != entries.end()) refuse(file.path(), "there are two tensors " + entry.name);
    entries.push_back(std::move(entry));
  }
  return entries;
}

const TensorEntry& named(const std::vector<TensorEntry>& entries, const std::string& name) {
  return *std::ranges::find(entries, name, &TensorEntry::name);
}

void check_tied(const TensorReader& file, const TensorEntry& embeddings) {
  if (!file.has(kHead)) return;
  const TensorEntry& head = file.entry(kHead);
  bool tied = head.shape == embeddings.shape && head.type == embeddings.type;
  constexpr std::size_t piece = std::size_t{1} << 20;
  for (std::size_t at = 0; tied && at < head.bytes(); at += piece) {
    std::vector<std::byte> a(std::min(piece, head.bytes() - at));
    std::vector<std::byte> b(a.size());
    file.read(head, at, std::span(a));
    file.read(embeddings, at, std::span(b));
    tied = a == b;
  }
  if (!tied) refuse(file.path(), "lm_head.weight is not wte.weight, to which a GPT-2 ties it");
}

void expect(const fs::path& path, const JsonFields& config, const char* key,
            const std::string& wanted) {
  const auto found = config.find(key);
  if (found == config.end() || found->second == wanted) return;
  refuse(path, std::string(key) + " is " + found->second + ", not " + wanted);
}

template <class T>
T read_number(const fs::path& path, const JsonFields& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end()) refuse(path, std::string("there is no ") + key);
  const std::string& text = found->second;
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || !(value > 0 && value < kMost)) {
    refuse(path, std::string(key) + " is " + text + ", which it cannot be");
  }
  return value;
}

std::string config_text(const Gpt2Shape& shape, std::optional<std::int64_t> end_of_text) {
  const std::string end = end_of_text ? std::to_string(*end_of_text) : "null";
  const std::vector<std::pair<const char*, std::string>> fields{
      {"architectures", "[\"GPT2LMHeadModel\"]"},
      {"model_type", "\"gpt2\""},
      {"vocab_size", std::to_string(shape.vocabulary)},
      {"n_positions", std::to_string(shape.context)},
      {"n_embd", std::to_string(shape.channels)},
      {"n_layer", std::to_string(shape.layers)},
      {"n_head", std::to_string(shape.heads)},
      {"n_inner", "null"},
      {"activation_function", "\"gelu_new\""},
      {"layer_norm_epsilon", "1e-05"},
      {"scale_attn_weights", "true"},
      {"scale_attn_by_inverse_layer_idx", "false"},
      {"attn_pdrop", "0.0"},
      {"embd_pdrop", "0.0"},
      {"resid_pdrop", "0.0"},
      {"initializer_range", "0.02"},
      {"tie_word_embeddings", "true"},
      {"bos_token_id", end},
      {"eos_token_id", end},
      {"torch_dtype", "\"float32\""}};
  std::string text = "{";
  for (const auto& [key, value] : fields) {
    text.append(text == "{" ? "\n  \"" : ",\n  \"").append(key).append("\": ").append(value);
  }
  return text + "\n}\n";
}

void write_values(const fs::path& path, const Gpt2Shape& shape, std::span<const float> values) {
  const ParameterSpace space = gpt2_parameters(shape);
  if (values.size() != space.size()) {
    throw Error(ExitCode::kUsage, "cannot write " + path.string() + ": " +
                                      std::to_string(values.size()) + " values came for " +
                                      std::to_string(space.size()));
  }
  const ParameterSpace filed = filed_parameters(shape);
  const std::vector<float> zeros(4 * shape.channels);
  std::vector<TensorView> views;
  for (const ParameterTensor& tensor : filed.tensors()) {
    const auto held = space.has(tensor.name)
                          ? values.subspan(space.tensor(tensor.name).first, tensor.size())
                          : std::span(zeros).first(tensor.size());
    views.push_back({kPrefix + tensor.name, TensorType::kF32, tensor.shape, std::as_bytes(held)});
  }
  write_tensors(path, {{"format", "pt"}}, std::move(views), Checksum::kNone);
}

}  // namespace

Gpt2Shape read_gpt2_shape(const fs::path& path) {
  const JsonFields config = read_json_fields(path);
  if (!config.contains("model_type")) refuse(path, "there is no model_type");
  expect(path, config, "model_type", "\"gpt2\"");
  expect(path, config, "activation_function", "\"gelu_new\"");
  expect(path, config, "scale_attn_weights", "true");
  expect(path, config, "scale_attn_by_inverse_layer_idx", "false");
  expect(path, config, "tie_word_embeddings", "true");
  expect(path, config, "add_cross_attention", "false");
  const auto size = [&](const char* key) { return read_number<std::size_t>(path, config, key); };
  const Gpt2Shape shape{.vocabulary = size("vocab_size"),
                        .context = size("n_positions"),
                        .layers = size("n_layer"),
                        .heads = size("n_head"),
                        .channels = size("n_embd")};
  const auto inner = config.find("n_inner");
  if (inner != config.end() && inner->second != "null") {
    expect(path, config, "n_inner", std::to_string(4 * shape.channels));
  }
  if (config.contains("layer_norm_epsilon") &&
      read_number<double>(path, config, "layer_norm_epsilon") != kEpsilon) {
    expect(path, config, "layer_norm_epsilon", "1e-05");
  }
  return shape;
}

std::vector<float> read_gpt2(const fs::path& path, const Gpt2Shape& shape) {
  const TensorReader file(path, Checksum::kNone);
  const std::vector<TensorEntry> entries = network_entries(file);
  const ParameterSpace space = gpt2_parameters(shape);
  std::vector<ExpectedTensor> expected;
  for (const ParameterTensor& tensor : space.tensors()) {
    expected.push_back({tensor.name, tensor.shape});
    if (tensor.name == kEmbeddings) expected.back().shape.front() = shape.vocabulary;
  }
  expect_tensors(path, entries, expected, std::nullopt);
  check_tied(file, named(entries, kEmbeddings));
  std::vector<float> values(space.size());
  for (const ParameterTensor& tensor : space.tensors()) {
    const TensorEntry& entry = named(entries, tensor.name);
    file.read(entry, 0, std::span(values).subspan(tensor.first, entry.elements()));
  }
  return values;
}

void write_gpt2(const fs::path& folder, const Gpt2Shape& shape, std::span<const float> mean,
                std::span<const float> sigma, std::optional<std::int64_t> end_of_text) {
  write_values(folder / "model.safetensors", shape, mean);
  if (!sigma.empty()) write_values(folder / "sigma.safetensors", shape, sigma);
  write_atomically(folder / "config.json", config_text(shape, end_of_text));
}

}  // namespace bayesum
