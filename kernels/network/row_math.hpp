#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels/host_device.hpp"

// What the loops over rows compute, for both twins.
namespace bayesum {

// Does a token name a row of a table of `count`, or a target one of `count` classes?
BAYESUM_HOST_DEVICE inline bool is_index(std::int32_t number, std::size_t count) {
  return number >= 0 && static_cast<std::size_t>(number) < count;
}

// The softmax of a row of outputs z: p_j = e^(z_j - largest) / total.
struct Softmax {
  float largest;
  double total;

  BAYESUM_HOST_DEVICE float inverse() const { return static_cast<float>(1.0 / total); }
  // log p and -log p of the class whose output is `own`
  BAYESUM_HOST_DEVICE float log_probability(float own) const {
    return static_cast<float>(-loss(own));
  }
  BAYESUM_HOST_DEVICE double loss(float own) const {
    return std::log(total) + (static_cast<double>(largest) - static_cast<double>(own));
  }
};

// The loss where there is none: of a target outside the classes, of a precision outside float32.
inline constexpr double kNoLoss = std::numeric_limits<double>::quiet_NaN();

// A row of a layer norm, given its statistics; in its backward pass `average` and `slope` are the
// means over channels of dy gain and of dy gain x.
struct Normalisation {
  float mean;
  float rstd;

  BAYESUM_HOST_DEVICE float operator()(float x) const { return (x - mean) * rstd; }
  BAYESUM_HOST_DEVICE float gradient(float x, float scaled_dy, float average, float slope) const {
    return rstd * (scaled_dy - average - (*this)(x)*slope);
  }
};

// The negative log density of a row under a Gaussian, given its sum of squared errors. Under a
// precision that float32 cannot hold it is no number, and slopes are those of precision 1.
struct GaussianLoss {
  static constexpr double kTwoPi = 6.283185307179586476925286766559;
  static constexpr float kLargest = std::numeric_limits<float>::max();
  float precision;
  double constant;  // columns log(precision / 2 pi)

  BAYESUM_HOST_DEVICE GaussianLoss(float log_precision, std::size_t cols)
      : precision(std::exp(log_precision)) {
    const bool held = precision > 0.0f && precision <= kLargest;
    if (!held) precision = 1.0f;
    constant = held ? static_cast<double>(cols) * std::log(static_cast<double>(precision) / kTwoPi)
                    : kNoLoss;
  }

  BAYESUM_HOST_DEVICE double operator()(double squares) const {
    return 0.5 * (static_cast<double>(precision) * squares - constant);
  }
};

}  // namespace bayesum
