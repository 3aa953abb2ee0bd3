#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/host_device.hpp"
#include "kernels/stream.hpp"
#include "kernels/weights/noise.hpp"

namespace bayesum {

// Draws of weights from their posterior, and what a draw teaches, in float32. Argument structs are
// functors; those with noise are given its element and tell what they read. They may be cut
// anywhere: an element's result depends on its index alone.

// 1 / sqrt(h + delta)
BAYESUM_HOST_DEVICE inline float unit_sigma(float h, float decay) {
  return 1.0f / std::sqrt(h + decay);
}

// sigma = inverse_root_ess / sqrt(h + delta)
BAYESUM_HOST_DEVICE inline float weight_sigma(float inverse_root_ess, float h, float decay) {
  return inverse_root_ess * unit_sigma(h, decay);
}

struct GaussianSigma {
  float inverse_root_ess;
  float decay;  // delta
  const float* curvature;
  float* out;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    out[i] = weight_sigma(inverse_root_ess, curvature[i], decay);
  }
};

// theta = m + sign sigma eps
struct DrawGaussian {
  float inverse_root_ess;  // times the sign
  float decay;
  const float* mean;
  const float* curvature;
  float* theta;
  std::array<const float*, 2> inputs() const { return {mean, curvature}; }
  BAYESUM_HOST_DEVICE void operator()(std::size_t i, float eps) const {
    theta[i] = mean[i] + weight_sigma(inverse_root_ess, curvature[i], decay) * eps;
  }
};

// theta = m + sigma eps, sigma as it is
struct DrawWithSd {
  const float* mean;
  const float* sd;
  float* theta;
  std::array<const float*, 2> inputs() const { return {mean, sd}; }
  BAYESUM_HOST_DEVICE void operator()(std::size_t i, float eps) const {
    theta[i] = mean[i] + sd[i] * eps;
  }
};

// A relaxed Bernoulli weight of -1 or +1 with natural parameter l: tanh((l + logit(u) / 2) / tau)
struct DrawSign {
  float sign;
  float inverse_temperature;
  const float* natural;
  float* theta;
  std::array<const float*, 1> inputs() const { return {natural}; }
  BAYESUM_HOST_DEVICE void operator()(std::size_t i, float half_logit) const {
    theta[i] = std::tanh((natural[i] + sign * half_logit) * inverse_temperature);
  }
};

// The weight of -1 or +1 itself, with l told by its sign and by sd = 1 / cosh(l): that sign, or the
// other with probability (1 - tanh|l|) / 2
struct DrawSignWithSd {
  const float* sign;
  const float* sd;
  float* theta;
  std::array<const float*, 2> inputs() const { return {sign, sd}; }
  BAYESUM_HOST_DEVICE void operator()(std::size_t i, float half_logit) const {
    const float rest = 1.0f - sd[i] * sd[i];
    const float natural = std::log((1.0f + std::sqrt(rest > 0.0f ? rest : 0.0f)) / sd[i]);
    theta[i] = natural + half_logit < 0.0f ? -sign[i] : sign[i];
  }
};

// out = the sign of l, +1 where it is 0
struct SignOf {
  const float* natural;
  float* out;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    out[i] = natural[i] < 0.0f ? -1.0f : 1.0f;
  }
};

// out = the standard deviation of a weight of -1 or +1, sqrt(1 - tanh(l)^2) = 1 / cosh(l)
struct SignSigma {
  const float* natural;
  float* out;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    out[i] = 1.0f / std::cosh(natural[i]);
  }
};

// second += (theta - m) g: Price's theorem
struct AddDeviationGradient {
  const float* theta;
  const float* mean;
  const float* gradient;
  float* second;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    second[i] += (theta[i] - mean[i]) * gradient[i];
  }
};

// second += scale g^2
struct AddScaledSquare {
  float scale;
  const float* gradient;
  float* second;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    second[i] += scale * gradient[i] * gradient[i];
  }
};

// (1 - w^2 + c) / (tau (1 - tanh(l)^2 + c)): from the gradient with respect to a relaxed weight w
// to the natural gradient of its Bernoulli. c guards the quotient where tanh has saturated; where
// tau is as small, it is all that is left: 1 / (1 - tanh(l)^2), which is cosh(l)^2.
BAYESUM_HOST_DEVICE inline float sign_slope(float w, float natural, float temperature) {
  constexpr float kGuard = 1e-10f;
  const float sigma = 1.0f / std::cosh(natural);
  return ((1.0f - w) * (1.0f + w) + kGuard) / (temperature * (sigma * sigma + kGuard));
}

// message += or, in place, = g times that slope
struct AddSignGradient {
  float temperature;
  const float* theta;
  const float* natural;
  const float* gradient;
  float* message;  // may be `gradient`, and is then overwritten
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const float slope = sign_slope(theta[i], natural[i], temperature);
    message[i] = (message == gradient ? 0.0f : message[i]) + slope * gradient[i];
  }
};

void apply(const Stream& stream, const GaussianSigma& op, std::size_t size);
void apply(const Stream& stream, const DrawGaussian& op, NoiseStart noise, std::size_t size);
void apply(const Stream& stream, const DrawWithSd& op, NoiseStart noise, std::size_t size);
void apply(const Stream& stream, const DrawSign& op, NoiseStart noise, std::size_t size);
void apply(const Stream& stream, const DrawSignWithSd& op, NoiseStart noise, std::size_t size);
void apply(const Stream& stream, const SignOf& op, std::size_t size);
void apply(const Stream& stream, const SignSigma& op, std::size_t size);
void apply(const Stream& stream, const AddDeviationGradient& op, std::size_t size);
void apply(const Stream& stream, const AddScaledSquare& op, std::size_t size);
void apply(const Stream& stream, const AddSignGradient& op, std::size_t size);

}  // namespace bayesum
