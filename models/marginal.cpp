#include "models/marginal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/families/special.hpp"

namespace bayesum {
namespace {

constexpr double kTail = 0.025;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

Marginal student_t_marginal(double location, double scale, double degrees_of_freedom) {
  const double reach = -special::student_t_quantile(kTail, degrees_of_freedom) * scale;
  return {location, scale * special::student_t_sd(degrees_of_freedom), location - reach,
          location + reach};
}

Marginal gamma_marginal(double shape, double rate) {
  return {shape / rate, std::sqrt(shape) / rate, special::gamma_quantile(kTail, shape) / rate,
          special::gamma_quantile(1.0 - kTail, shape) / rate};
}

Marginal beta_marginal(double a, double b) {
  return {a / (a + b), std::sqrt(a * b / (a + b + 1.0)) / (a + b),
          special::beta_quantile(kTail, a, b), special::beta_quantile(1.0 - kTail, a, b)};
}

Marginal sd_marginal(double shape, double rate) {
  Marginal sigma{kInfinity, kInfinity, 0.0, kInfinity};
  if (shape > 0.5) sigma.mean = std::sqrt(rate) * special::gamma_ratio(shape - 0.5, 0.5);
  if (shape > 1.0) {
    sigma.sd = std::sqrt(std::max(0.0, rate / (shape - 1.0) - sigma.mean * sigma.mean));
  }
  if (shape > 0) {
    sigma.low = std::sqrt(rate / special::gamma_quantile(1.0 - kTail, shape));
    sigma.high = std::sqrt(rate / special::gamma_quantile(kTail, shape));
  }
  return sigma;
}

Marginal rescaled(Marginal marginal, double unit, double origin) {
  return {origin + unit * marginal.mean, unit * marginal.sd, origin + unit * marginal.low,
          origin + unit * marginal.high};
}

}  // namespace bayesum
