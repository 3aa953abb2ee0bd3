#pragma once

#include <cstddef>
#include <memory>

#include "core/families/family.hpp"

namespace bayesum {

// Independent Beta(a, b), `dimension` of them; the parameters of each lie together:
//
//   T = [log p, log(1 - p)]      lambda = [a - 1, b - 1]      A = log B(a, b)
std::shared_ptr<const Family> make_beta(std::size_t dimension);

}  // namespace bayesum
