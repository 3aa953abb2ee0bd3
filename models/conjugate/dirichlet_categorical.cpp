#include "models/conjugate/dirichlet_categorical.hpp"

#include <utility>
#include <vector>

#include "core/families/dirichlet.hpp"
#include "kernels/column_sums.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

// One proper member for every column, all of whose shapes are `concentration`.
Posterior make_posterior(double concentration, const Design& design) {
  Posterior q;
  for (const Input& input : design.inputs) {
    if (input.levels.size() < 2) {
      throw Error(ExitCode::kUsage, "column '" + input.name + "' has " +
                                        std::to_string(input.levels.size()) +
                                        " levels where the model dirichlet-categorical needs two "
                                        "or more: leave it out of data.features");
    }
    q.add_block(input.name, make_dirichlet(input.levels.size()));
  }
  for (double& x : q.natural()) x = concentration - 1.0;
  return q;
}

Prior make_prior(double concentration, const Design& design) {
  const Posterior prior = make_posterior(concentration, design);
  return {.natural = {prior.natural().begin(), prior.natural().end()},
          .log_partition = prior.log_partition()};
}

}  // namespace

DirichletCategoricalModel::DirichletCategoricalModel(const PriorConfig& prior, const Design& design)
    : ConjugateModel(make_prior(prior.concentration, design), make_posterior(1.0, design)),
      first_{0} {
  for (const Input& input : design.inputs) first_.push_back(first_.back() + input.levels.size());
}

double DirichletCategoricalModel::add_statistics(const Stream& stream, const Batch& batch,
                                                 std::span<double> statistics) const {
  if (first_on_device_.size() != first_.size() || first_on_device_.device() != stream.device()) {
    first_on_device_ = Buffer<std::size_t>(stream.device(), first_.size());
    copy<std::size_t>(stream, first_, first_on_device_.span());
  }
  weighted_level_counts(stream, batch.x, batch.weight, std::as_const(first_on_device_).span(),
                        statistics);
  return 0.0;
}

}  // namespace bayesum
