#include "models/network/gpt2_weights.hpp"

#include <string>

namespace bayesum {
namespace {

class Finder {
 public:
  explicit Finder(const ParameterSpace& space) : space_(space) {}

  Gpt2Places::Matrix matrix(const std::string& name) const {
    const ParameterTensor& tensor = space_.tensor(name + ".weight");
    return {tensor.first, tensor.shape[0], tensor.shape[1]};
  }
  Gpt2Places::Linear linear(const std::string& name) const {
    return {matrix(name), vector(name + ".bias")};
  }
  Gpt2Places::Norm norm(const std::string& name) const {
    return {vector(name + ".weight"), vector(name + ".bias")};
  }
  Gpt2Places::Block block(const std::string& name) const {
    return {norm(name + ".ln_1"), linear(name + ".attn.c_attn"), linear(name + ".attn.c_proj"),
            norm(name + ".ln_2"), linear(name + ".mlp.c_fc"),    linear(name + ".mlp.c_proj")};
  }

 private:
  Gpt2Places::Vector vector(const std::string& name) const {
    if (!space_.has(name)) return {};
    return {space_.tensor(name).first, space_.tensor(name).size()};
  }

  const ParameterSpace& space_;
};

}  // namespace

Gpt2Places::Gpt2Places(const Gpt2Shape& shape, const ParameterSpace& space) {
  const Finder find(space);
  tokens = find.matrix("wte");
  positions = find.matrix("wpe");
  for (std::size_t l = 0; l < shape.layers; ++l) {
    blocks.push_back(find.block("h." + std::to_string(l)));
  }
  last = find.norm("ln_f");
}

}  // namespace bayesum
