#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/host_device.hpp"

// What reductions load and how they combine, for both twins. The identity of each is 0.
namespace bayesum {

struct LoadValue {
  const double* x;
  BAYESUM_HOST_DEVICE double operator()(std::size_t i) const { return x[i]; }
};

struct LoadProduct {
  const double* x;
  const double* y;
  BAYESUM_HOST_DEVICE double operator()(std::size_t i) const { return x[i] * y[i]; }
};

struct LoadSquare {
  const float* x;
  BAYESUM_HOST_DEVICE double operator()(std::size_t i) const {
    const auto value = static_cast<double>(x[i]);
    return value * value;
  }
};

struct LoadMagnitude {
  const double* x;
  BAYESUM_HOST_DEVICE double operator()(std::size_t i) const { return std::fabs(x[i]); }
};

struct LoadNonfinite {
  const double* x;
  BAYESUM_HOST_DEVICE double operator()(std::size_t i) const {
    return std::isfinite(x[i]) ? 0.0 : 1.0;
  }
};

struct Plus {
  BAYESUM_HOST_DEVICE double operator()(double a, double b) const { return a + b; }
};

struct LargestOrNan {
  BAYESUM_HOST_DEVICE double operator()(double a, double b) const {
    return a >= b || std::isnan(a) ? a : b;
  }
};

}  // namespace bayesum
