#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/training.hpp"

// The models on which the laws are run. A new one joins by its line in models.cpp.
namespace bayesum::laws {

struct ModelMember {
  std::string name;
  testing::TableSpec table;
  std::function<void(testing::Job&)> configure;

  // Trains for a few steps that do not reach the optimum, unless told otherwise.
  testing::Job job(const testing::TemporaryFolder& folder) const;
  bool conjugate() const;
  bool latent() const;  // conjugate given latent variables of each row
};

const std::vector<ModelMember>& models();
// Those of one kind.
std::vector<ModelMember> conjugate_models();
std::vector<ModelMember> generalised_linear_models();
// Some of them, learning from minibatches by a damped rule.
std::vector<ModelMember> minibatch_models();
std::vector<ModelMember> softmax_models();
std::vector<ModelMember> latent_models();  // conjugate given latent variables of each row
// The member of this name.
const ModelMember& model(const std::string& name);

// For GoogleTest's lists.
std::ostream& operator<<(std::ostream& out, const ModelMember& member);

}  // namespace bayesum::laws
