#include "core/model.hpp"

#include <algorithm>

#include "kernels/error.hpp"

namespace bayesum {

void Model::log_likelihood(const Batch&, MatrixView<const double>, std::span<double>) const {
  throw Error(ExitCode::kUsage, "the log-likelihood of the model " + name() +
                                    " has no closed form in its parameters");
}

bool keeps_sparse(const Model& model, const Design& design) {
  const auto shifts = [](double mean) { return mean != 0; };
  return model.takes_sparse() && std::ranges::none_of(design.mean, shifts);
}

}  // namespace bayesum
