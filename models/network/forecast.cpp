#include "models/network/forecast.hpp"

#include <algorithm>
#include <vector>

#include "kernels/bfloat16.hpp"

namespace bayesum {
namespace {

NetworkForecast mlp_forecast(const NetworkConfig& config, const ExampleShape& shape,
                             std::size_t rows) {
  NetworkForecast forecast;
  const std::size_t outputs = std::max(shape.classes, shape.responses);
  std::size_t numbers = outputs;
  std::size_t in = shape.features;
  double flops_of_input = 4;
  const auto add_layer = [&](std::size_t out) {
    forecast.flops += flops_of_input * static_cast<double>(in) * static_cast<double>(out);
    flops_of_input = 6;
    in = out;
  };
  for (const std::int64_t width : config.hidden) {
    numbers += 3 * static_cast<std::size_t>(width);
    add_layer(static_cast<std::size_t>(width));
  }
  add_layer(outputs);
  forecast.activation_bytes = numbers * rows * sizeof(float);
  return forecast;
}

NetworkForecast adapted_forecast(const NetworkConfig& config, const ExampleShape& shape,
                                 std::size_t rows) {
  const auto network = make_network(config, shape);
  const LowRank& adapters = *adapters_of(*network);
  NetworkConfig whole = config;
  whole.lora = {};
  NetworkForecast pass = forecast(whole, shape, rows, adapters.network().parameters().size());
  pass.adapted_bytes = adapters.bytes();
  const std::size_t targets = rows * std::max<std::size_t>(shape.context, 1);
  pass.flops += adapters.flops() / static_cast<double>(targets);
  return pass;
}

}  // namespace

NetworkForecast forecast(const NetworkConfig& config, const ExampleShape& shape, std::size_t rows,
                         std::size_t size) {
  if (config.lora.rank > 0) return adapted_forecast(config, shape, rows);
  if (config.name != "gpt2") return mlp_forecast(config, shape, rows);
  const Gpt2Config gpt2 = gpt2_config(config, shape);
  const bool rounded = gpt2.precision == Precision::kBFloat16;
  return {.activation_bytes = activation_bytes(gpt2, rows, shape.context),
          .rounded_bytes = rounded ? size * sizeof(BFloat16) : 0,
          .flops = flops_per_token(gpt2, shape.context)};
}

}  // namespace bayesum
