#include "core/bernoulli.hpp"
#include "core/beta.hpp"
#include "core/diagonal_gaussian.hpp"
#include "core/diagonal_normal_gamma.hpp"
#include "core/gamma.hpp"
#include "core/gaussian.hpp"
#include "core/normal_gamma.hpp"
#include "core/poisson.hpp"
#include "kernels/error.hpp"

namespace bayesum {

std::shared_ptr<const Family> make_family(const std::string& name, std::size_t dimension) {
  if (name == "gaussian") return std::make_shared<Gaussian>(dimension);
  if (name == "diagonal-gaussian") return std::make_shared<DiagonalGaussian>(dimension);
  if (name == "normal-gamma" && dimension > 0) return std::make_shared<NormalGamma>(dimension - 1);
  if (name == "beta") return std::make_shared<Beta>(dimension);
  if (name == "bernoulli") return std::make_shared<Bernoulli>(dimension);
  if (name == "diagonal-normal-gamma" && dimension % 2 == 0) {
    return std::make_shared<DiagonalNormalGamma>(dimension);
  }
  if (name == "gamma") return std::make_shared<Gamma>(dimension);
  if (name == "poisson") return std::make_shared<Poisson>(dimension);
  throw Error(ExitCode::kFile, "there is no exponential family '" + name + "' of dimension " +
                                   std::to_string(dimension));
}

}  // namespace bayesum
