#pragma once

#include <cmath>
#include <numbers>

#include "kernels/host_device.hpp"

namespace bayesum {

// log Gamma(x) and its derivative for x > 0, to 1e-14 and 2e-15 of the larger of the result and 1;
// for loops over rows. Both go up by their recurrences to where Stirling's series holds: from x =
// 10 on the first term left out is below 1e-16. Abramowitz and Stegun (1964), 6.1.40 and 6.3.18.

BAYESUM_HOST_DEVICE inline double digamma(double x) {
  double below = 0.0;
  for (; x < 10.0; x += 1.0) below += 1.0 / x;
  const double r = 1.0 / (x * x);
  const double series =
      r * (1.0 / 12.0 - r * (1.0 / 120.0 -
                             r * (1.0 / 252.0 -
                                  r * (1.0 / 240.0 - r * (1.0 / 132.0 - r * (691.0 / 32760.0 -
                                                                             r * (1.0 / 12.0)))))));
  return std::log(x) - 0.5 / x - series - below;
}

BAYESUM_HOST_DEVICE inline double log_gamma(double x) {
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  double product = 1.0;
  for (; x < 10.0; x += 1.0) product *= x;
  const double r = 1.0 / (x * x);
  const double series =
      (1.0 / 12.0 -
       r * (1.0 / 360.0 - r * (1.0 / 1260.0 -
                               r * (1.0 / 1680.0 - r * (1.0 / 1188.0 - r * (691.0 / 360360.0)))))) /
      x;
  return (x - 0.5) * std::log(x) - x + kHalfLogTwoPi + series - std::log(product);
}

// log n! of a whole number n >= 0: the logarithm of a product, or Stirling's series where its next
// term is below rounding.
BAYESUM_HOST_DEVICE inline double log_factorial(double n) {
  if (n < 16.0) {
    double product = 1.0;
    for (double i = 2.0; i <= n; ++i) product *= i;
    return std::log(product);
  }
  const double s = 1.0 / (n * n);
  const double series =
      (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s * (1.0 / 1680 - s / 1188)))) / n;
  return (n + 0.5) * std::log(n) - n + 0.5 * std::log(2.0 * std::numbers::pi) + series;
}

}  // namespace bayesum
