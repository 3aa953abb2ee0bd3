#pragma once

#include <cstddef>
#include <vector>

#include "kernels/buffer.hpp"
#include "models/conjugate/conjugate.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// Columns of categories, each with the probabilities of its levels, exact:
//
//   x_ik ~ Categorical(p_k)      p_k ~ Dirichlet(concentration, ..., concentration)
//
// A block of the posterior to a column, named after it. The statistics of level l of column k are
// the weight of the rows that show it.
class DirichletCategoricalModel final : public ConjugateModel {
 public:
  // Error(kUsage) for a column that has fewer than two levels.
  DirichletCategoricalModel(const PriorConfig& prior, const Design& design);

  std::string name() const override { return "dirichlet-categorical"; }
  Support support() const override { return Support::kCategoryFeatures; }

 private:
  double add_statistics(const Stream& stream, const Batch& batch,
                        std::span<double> statistics) const override;

  std::vector<std::size_t> first_;               // where the levels of each column begin, and end
  mutable Buffer<std::size_t> first_on_device_;  // the same
};

}  // namespace bayesum
