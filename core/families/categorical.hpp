#pragma once

#include <cstddef>
#include <memory>

#include "core/families/family.hpp"

namespace bayesum {

// One of K levels with probabilities p; theta holds a one at the level and zeros elsewhere. The
// last level is the one that the others are compared with:
//
//   T = [theta_1 .. theta_K-1]      lambda_k = log(p_k / p_K)      A = log(1 + sum_k e^lambda_k)
std::shared_ptr<const Family> make_categorical(std::size_t levels);  // K >= 2

}  // namespace bayesum
