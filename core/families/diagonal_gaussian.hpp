#pragma once

#include <cstddef>
#include <memory>

#include "core/families/family.hpp"

namespace bayesum {

// D independent Gaussians N(m_i, 1 / s_i); the parameters of element i lie together:
//
//   T = [theta_i, theta_i^2]      lambda = [s_i m_i, -s_i / 2]
//   A = sum_i (s_i m_i^2 - log s_i + log 2 pi) / 2
//
// The centred form is [g_i, h_i].
std::shared_ptr<const Family> make_diagonal_gaussian(std::size_t dimension);

}  // namespace bayesum
