#pragma once

#include <cstddef>
#include <memory>

#include "core/families/family.hpp"

namespace bayesum {

// Independent Bernoulli(p) over {0, 1}, `dimension` of them: T = theta, lambda = logit p, A = log(1
// + e^lambda).
std::shared_ptr<const Family> make_bernoulli(std::size_t dimension);

}  // namespace bayesum
