#pragma once

#include <cmath>

#include "tests/laws/dense.hpp"

namespace bayesum::oracle {

// psi(x), x > 0: up to where its asymptotic series holds by psi(x) = psi(x + 1) - 1/x.
inline Real digamma(Real x) {
  Real sum = 0;
  for (; x < 60; x += 1) sum -= 1 / x;
  const Real r = 1 / (x * x);
  return sum + std::log(x) - 1 / (2 * x) -
         r * (1.0L / 12 - r * (1.0L / 120 - r * (1.0L / 252 - r * (1.0L / 240 - r / 132))));
}

}  // namespace bayesum::oracle
