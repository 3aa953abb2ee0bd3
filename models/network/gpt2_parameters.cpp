#include "models/network/gpt2_parameters.hpp"

#include <cmath>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr double kSd = 0.02;

void check(const Gpt2Shape& shape) {
  const auto refuse = [](const std::string& why) {
    throw Error(ExitCode::kUsage, "a GPT-2 cannot have " + why);
  };
  if (shape.vocabulary == 0) refuse("a vocabulary of 0 tokens");
  if (shape.context == 0) refuse("a context of 0 positions");
  if (shape.layers == 0) refuse("0 layers");
  if (shape.channels == 0) refuse("0 channels");
  if (shape.vocabulary_multiple == 0) refuse("a vocabulary padded to a multiple of 0");
  if (shape.heads == 0 || shape.channels % shape.heads != 0) {
    refuse(std::to_string(shape.channels) + " channels in " + std::to_string(shape.heads) +
           " heads of equal size");
  }
}

// Adds tensors to the space.
class Layout {
 public:
  explicit Layout(const Gpt2Shape& shape) : shape_(shape) {}

  void matrix(const std::string& name, std::size_t in, std::size_t out, double sd) {
    space_.add({.name = name + ".weight", .shape = {in, out}, .initial_sd = sd});
  }
  void linear(const std::string& name, std::size_t in, std::size_t out, double sd) {
    matrix(name, in, out, sd);
    bias(name, out);
  }
  void norm(const std::string& name) {
    space_.add({.name = name + ".weight", .shape = {shape_.channels}, .initial_mean = 1});
    bias(name, shape_.channels);
  }
  void block(const std::string& name) {
    const std::size_t channels = shape_.channels;
    const double residual_sd = kSd / std::sqrt(2.0 * static_cast<double>(shape_.layers));
    norm(name + ".ln_1");
    linear(name + ".attn.c_attn", channels, 3 * channels, kSd);
    linear(name + ".attn.c_proj", channels, channels, residual_sd);
    norm(name + ".ln_2");
    linear(name + ".mlp.c_fc", channels, 4 * channels, kSd);
    linear(name + ".mlp.c_proj", 4 * channels, channels, residual_sd);
  }
  ParameterSpace take() { return std::move(space_); }

 private:
  void bias(const std::string& name, std::size_t size) {
    if (shape_.biases) space_.add({.name = name + ".bias", .shape = {size}});
  }

  const Gpt2Shape& shape_;
  ParameterSpace space_;
};

}  // namespace

std::size_t Gpt2Shape::embedded() const {
  return (vocabulary + vocabulary_multiple - 1) / vocabulary_multiple * vocabulary_multiple;
}

ParameterSpace gpt2_parameters(const Gpt2Shape& shape) {
  check(shape);
  Layout layout(shape);
  layout.matrix("wte", shape.embedded(), shape.channels, kSd);
  layout.matrix("wpe", shape.context, shape.channels, kSd);
  for (std::size_t i = 0; i < shape.layers; ++i) layout.block("h." + std::to_string(i));
  layout.norm("ln_f");
  return layout.take();
}

}  // namespace bayesum
