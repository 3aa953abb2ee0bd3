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
  if (name == "gaussian") return make_gaussian(dimension);
  if (name == "diagonal-gaussian") return make_diagonal_gaussian(dimension);
  if (name == "normal-gamma" && dimension > 0) return make_normal_gamma(dimension - 1);
  if (name == "beta") return make_beta(dimension);
  if (name == "bernoulli") return make_bernoulli(dimension);
  if (name == "diagonal-normal-gamma" && dimension % 2 == 0) {
    return make_diagonal_normal_gamma(dimension);
  }
  if (name == "gamma") return make_gamma(dimension);
  if (name == "poisson") return make_poisson(dimension);
  if (name == "categorical" && dimension > 1) return make_categorical(dimension);
  if (name == "dirichlet" && dimension > 1) return make_dirichlet(dimension);
  if (name == "wishart" && rows_of_packed(dimension) > 0) {
    return make_wishart(rows_of_packed(dimension));
  }
  // A mean and a triangle are a triangle of one row more, but for its last element.
  if (name == "normal-wishart" && rows_of_packed(dimension + 1) > 1) {
    return make_normal_wishart(rows_of_packed(dimension + 1) - 1);
  }
  throw Error(ExitCode::kFile, "there is no exponential family '" + name + "' of dimension " +
                                   std::to_string(dimension));
}

}  // namespace bayesum
