#include "models/network/make_network.hpp"

#include <algorithm>

#include "kernels/error.hpp"
#include "models/network/gpt2.hpp"
#include "models/network/mlp.hpp"

namespace bayesum {
namespace {

constexpr double kWidest = 1 << 20;
constexpr double kMostTokens = 1 << 24;

[[noreturn]] void refuse(const std::string& why) { throw Error(ExitCode::kUsage, why); }

Activation activation_of(const std::string& name) {
  if (name == "gelu") return Activation::kGelu;
  return name == "tanh" ? Activation::kTanh : Activation::kRelu;
}

std::unique_ptr<Network> make_mlp(const NetworkConfig& config, const ExampleShape& shape) {
  if (shape.is_tokens()) {
    refuse(
        "model.name = \"mlp\" learns from rows of numbers, data.path holds tokens: use model.name "
        "= "
        "\"gpt2\"");
  }
  MlpConfig mlp{.features = shape.features,
                .classes = shape.classes,
                .responses = shape.responses,
                .hidden = {},
                .activation = activation_of(config.activation)};
  for (const std::int64_t width : config.hidden) {
    mlp.hidden.push_back(static_cast<std::size_t>(width));
  }
  return std::make_unique<Mlp>(std::move(mlp));
}

// What the model is to have, or what the data have where it is 0; never less than they have.
std::size_t fitted(std::int64_t wanted, std::size_t needed, const char* key, const char* data) {
  const auto size = static_cast<std::size_t>(wanted);
  if (wanted == 0) return needed;
  if (size < needed) {
    refuse(std::string(key) + " = " + std::to_string(wanted) + " is less than " + data + ", " +
           std::to_string(needed));
  }
  return size;
}

// Matrices that multiply what comes from below, not tables of embeddings.
std::vector<std::string> linear_maps(const Network& network) {
  const std::string end = ".weight";
  std::vector<std::string> maps;
  for (const ParameterTensor& tensor : network.parameters().tensors()) {
    const bool table = tensor.name == "wte.weight" || tensor.name == "wpe.weight";
    if (table || tensor.shape.size() != 2 || !tensor.name.ends_with(end)) continue;
    maps.push_back(tensor.name.substr(0, tensor.name.size() - end.size()));
  }
  return maps;
}

std::unique_ptr<Network> with_adapters(const LoraConfig& config, std::unique_ptr<Network> network) {
  if (config.rank == 0) {
    if (config.targets.empty()) return network;
    refuse("lora.targets names matrices to be adapted, but lora.rank = 0 makes no adapters");
  }
  const auto matrices = adapted_matrices(config, linear_maps(*network));
  return std::make_unique<LowRank>(std::move(network), matrices,
                                   static_cast<std::size_t>(config.rank), config.alpha);
}

}  // namespace

void NetworkConfig::describe(Fields& fields) {
  fields.add("model.name", name, {"mlp", "gpt2"}, "the network");
  fields.add("model.likelihood", likelihood, {"classification", "regression"},
             "mlp: a softmax over classes, or a Gaussian whose noise is learned too");
  fields.add("model.hidden", hidden, {1, kWidest}, "mlp: widths of the hidden layers");
  fields.add("model.activation", activation, {"relu", "gelu", "tanh"}, "mlp: between its layers");
  fields.add("model.layers", layers, {1, 1024}, "gpt2: blocks");
  fields.add("model.heads", heads, {1, 1024}, "gpt2: of attention; they divide the channels");
  fields.add("model.channels", channels, {1, kWidest}, "gpt2: of the residual stream");
  fields.add("model.context", context, {0, kWidest}, "gpt2: positions; 0: data.context");
  fields.add("model.vocabulary", vocabulary, {0, kMostTokens}, "gpt2: tokens; 0: the data's");
  fields.add("model.vocabulary_multiple", vocabulary_multiple, {1, 4096},
             "gpt2: rows of the embedding are padded to a multiple; 64 suits GPUs");
  fields.add("model.bias", bias, "gpt2: of linear maps and layer norms");
  fields.add("model.dropout", dropout, {0, 1, false, true},
             "gpt2: of the embedding and of what joins the residual stream");
  fields.add("model.precision", precision, {"float32", "bfloat16"},
             "gpt2: of activations and factors of products; sums are float32");
  fields.add("model.recompute", recompute,
             "gpt2: compute blocks again in the backward pass, to hold less");
  lora.describe(fields);
}

bool is_network(const std::string& model_name) {
  NetworkConfig config;
  Fields fields;
  config.describe(fields);
  return std::ranges::count(fields.find("model.name")->choices, model_name) > 0;
}

Gpt2Config gpt2_config(const NetworkConfig& config, const ExampleShape& shape) {
  if (!shape.is_tokens()) {
    refuse(
        "model.name = \"gpt2\" learns from tokens, data.path holds rows of numbers: use model.name "
        "= "
        "\"mlp\"");
  }
  if (config.channels % config.heads != 0) {
    refuse("model.channels = " + std::to_string(config.channels) +
           " is not a multiple of model.heads = " + std::to_string(config.heads));
  }
  const auto size = [](std::int64_t count) { return static_cast<std::size_t>(count); };
  return {
      .shape = {.vocabulary = fitted(config.vocabulary, shape.vocabulary, "model.vocabulary",
                                     "the vocabulary of the data"),
                .context = fitted(config.context, shape.context, "model.context", "data.context"),
                .layers = size(config.layers),
                .heads = size(config.heads),
                .channels = size(config.channels),
                .biases = config.bias,
                .vocabulary_multiple = size(config.vocabulary_multiple)},
      .dropout = config.dropout,
      .recompute = config.recompute,
      .precision = config.precision == "bfloat16" ? Precision::kBFloat16 : Precision::kFloat32};
}

std::unique_ptr<Network> make_network(const NetworkConfig& config, const ExampleShape& shape) {
  std::unique_ptr<Network> network;
  if (config.name == "gpt2") {
    network = std::make_unique<Gpt2>(gpt2_config(config, shape));
  } else {
    network = make_mlp(config, shape);
  }
  return with_adapters(config.lora, std::move(network));
}

}  // namespace bayesum
