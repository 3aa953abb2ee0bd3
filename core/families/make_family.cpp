#include "core/families/bernoulli.hpp"
#include "core/families/beta.hpp"
#include "core/families/categorical.hpp"
#include "core/families/diagonal_gaussian.hpp"
#include "core/families/diagonal_normal_gamma.hpp"
#include "core/families/dirichlet.hpp"
#include "core/families/gamma.hpp"
#include "core/families/gaussian.hpp"
#include "core/families/normal_gamma.hpp"
#include "core/families/normal_wishart.hpp"
#include "core/families/poisson.hpp"
#include "core/families/wishart.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

// D with packed_size(D) elements; 0 where there is none.
std::size_t rows_of_packed(std::size_t elements) {
  std::size_t rows = 0;
  while (packed_size(rows) < elements) ++rows;
  return packed_size(rows) == elements ? rows : 0;
}

}  // namespace

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
  if (name == "categorical" && dimension > 1) return std::make_shared<Categorical>(dimension);
  if (name == "dirichlet" && dimension > 1) return std::make_shared<Dirichlet>(dimension);
  if (name == "wishart" && rows_of_packed(dimension) > 0) {
    return std::make_shared<Wishart>(rows_of_packed(dimension));
  }
  // A mean and a triangle are a triangle of one row more, but for its last element.
  if (name == "normal-wishart" && rows_of_packed(dimension + 1) > 1) {
    return std::make_shared<NormalWishart>(rows_of_packed(dimension + 1) - 1);
  }
  throw Error(ExitCode::kFile, "there is no exponential family '" + name + "' of dimension " +
                                   std::to_string(dimension));
}

}  // namespace bayesum
