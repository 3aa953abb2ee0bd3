#pragma once

#include <cstddef>
#include <memory>

#include "core/families/family.hpp"

namespace bayesum {

// Dirichlet(alpha) over probabilities p of K levels, densities with respect to the first K - 1 of
// them:
//
//   T = log p_k      lambda = alpha_k - 1      A = sum_k log Gamma(alpha_k) - log Gamma(sum alpha)
//
// A draw's element may be smaller than the smallest float64 where an alpha is below 0.01, and is 0.
std::shared_ptr<const Family> make_dirichlet(std::size_t levels);  // K >= 2

}  // namespace bayesum
