#pragma once

#include <cstddef>
#include <memory>

#include "core/families/family.hpp"

namespace bayesum {

// Independent Gamma(shape a, rate b) over x > 0, `dimension` of them:
//
//   T = [log x, x]      lambda = [a - 1, -b]      A = log Gamma(a) - a log b
//
// The conjugate family of Poisson rates and of precisions.
std::shared_ptr<const Family> make_gamma(std::size_t dimension);

}  // namespace bayesum
