#include "models/network/gpt2_config.hpp"

#include "kernels/bfloat16.hpp"
#include "models/network/gpt2_activations.hpp"

namespace bayesum {

std::size_t activation_bytes(const Gpt2Config& config, std::size_t rows, std::size_t length) {
  const Gpt2Extent extent{rows, length, kept_in_training(config)};
  if (config.precision == Precision::kFloat32) {
    return Gpt2Activations<float>(config, extent, nullptr).bytes;
  }
  return Gpt2Activations<BFloat16>(config, extent, nullptr).bytes;
}

double flops_per_token(const Gpt2Config& config, std::size_t length) {
  const auto layers = static_cast<double>(config.shape.layers);
  const auto channels = static_cast<double>(config.shape.channels);
  const auto vocabulary = static_cast<double>(config.shape.vocabulary);
  const double multiplied = 12 * layers * channels * channels + vocabulary * channels;
  return 6 * multiplied + 12 * layers * channels * static_cast<double>(length);
}

}  // namespace bayesum
