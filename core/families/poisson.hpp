#pragma once

#include <cstddef>
#include <memory>

#include "core/families/family.hpp"

namespace bayesum {

// Independent Poisson(r) over the whole numbers >= 0, `dimension` of them, with the base measure
// h(x) = 1 / x!:
//
//   T = x      lambda = log r      A = e^lambda
std::shared_ptr<const Family> make_poisson(std::size_t dimension);

}  // namespace bayesum
