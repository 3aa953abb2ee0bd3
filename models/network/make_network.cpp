#include "models/network/make_network.hpp"

#include <algorithm>

#include "kernels/error.hpp"
#include "models/network/mlp.hpp"

namespace bayesum {
namespace {

constexpr double kWidest = 1 << 20;

Activation activation_of(const std::string& name) {
  if (name == "gelu") return Activation::kGelu;
  return name == "tanh" ? Activation::kTanh : Activation::kRelu;
}

std::unique_ptr<Network> make_mlp(const NetworkConfig& config, const ExampleShape& shape) {
  if (shape.is_tokens()) {
    throw Error(ExitCode::kUsage,
                "model.name = \"mlp\" learns from rows of numbers, data.path holds tokens: use "
                "model.name = \"gpt2\"");
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

}  // namespace

void NetworkConfig::describe(Fields& fields) {
  fields.add("model.name", name, {"mlp"}, "the network");
  fields.add("model.hidden", hidden, {1, kWidest}, "mlp: widths of the hidden layers");
  fields.add("model.activation", activation, {"relu", "gelu", "tanh"}, "mlp: between its layers");
}

bool is_network(const std::string& model_name) {
  NetworkConfig config;
  Fields fields;
  config.describe(fields);
  return std::ranges::count(fields.find("model.name")->choices, model_name) > 0;
}

std::unique_ptr<Network> make_network(const NetworkConfig& config, const ExampleShape& shape) {
  return make_mlp(config, shape);
}

}  // namespace bayesum
