#include "core/model.hpp"

#include "kernels/error.hpp"

namespace bayesum {

void Model::log_likelihood(const Batch&, MatrixView<const double>, std::span<double>) const {
  throw Error(ExitCode::kUsage, "the log-likelihood of the model " + name() +
                                    " has no closed form in its parameters");
}

}  // namespace bayesum
