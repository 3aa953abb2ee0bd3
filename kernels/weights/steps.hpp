#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/host_device.hpp"
#include "kernels/stream.hpp"
#include "kernels/weights/draws.hpp"

namespace bayesum {

// Updates of weights, in float32: the functors of one element. `gradient` and `second` are sums;
// `scale` makes the mean gradient g of them.

// The momentum M <- beta1 M + (1 - beta1) g, and its mean without the zero it started from.
struct Momentum {
  float beta;
  float rest;     // 1 - beta
  float scale;    // of the gradient
  float inverse;  // 1 / (1 - beta^t), or 1
  float* running;
  BAYESUM_HOST_DEVICE float operator()(std::size_t i, float gradient) const {
    const float next = beta * running[i] + rest * (scale * gradient);
    running[i] = next;
    return inverse * next;
  }
};

BAYESUM_HOST_DEVICE inline float clipped(float x, float radius) {
  return x > radius ? radius : x < -radius ? -radius : x;
}

// A diagonal Gaussian's m <- m - rate clip((M + delta m) / (h + delta)), radius infinite for none.
// 1 / (h + delta) is the square of unit_sigma, which a draw needs too.
struct PreconditionedStep {
  float rate;
  float decay;  // delta
  float radius;
  float* mean;
  BAYESUM_HOST_DEVICE float operator()(std::size_t i, float momentum, float h) const {
    const float m = mean[i];
    const float root = unit_sigma(h, decay);
    const float next = m - rate * clipped((momentum + decay * m) * root * root, radius);
    mean[i] = next;
    return next;
  }
};

// What IVON makes f / (h + delta) of, f being its raw estimate of the curvature:
//   kPrice         ess second / n              second: sum of (theta - m) g over n
//   kPriceHere     ess (theta - m) g           g the mean gradient at the one theta all had
//   kSquares       ess second / n / (h + delta)   second: sum of n_d g_d^2 over draws
//   kSquaresHere   ess g^2 / (h + delta)
enum class IvonCurvature { kPrice, kPriceHere, kSquares, kSquaresHere };

// One step of IVON. With a = h + delta and u = (1 - beta2) (f - h) / a,
//   h <- h + a u (1 + u/2), which is a (1 + (1 + u)^2) / 2 - delta and so at least a / 2 - delta,
// then the mean with the new h. No finite message makes a NaN; h ends within floor .. kLargest.
struct IvonStep {
  static constexpr float kLargest = 1e30f;

  IvonCurvature form;
  Momentum momentum;
  PreconditionedStep step;
  float rate;   // 1 - beta2
  float scale;  // ess times that of the second part, or of the gradient, or of its square
  float floor;  // of h, above -delta
  const float* gradient;
  const float* second;  // of kPrice and kSquares
  const float* theta;   // of kPriceHere
  float* curvature;

  template <IvonCurvature kForm>
  BAYESUM_HOST_DEVICE float relative_curvature(std::size_t i, float g, float inverse) const {
    if constexpr (kForm == IvonCurvature::kPrice) return scale * second[i];
    if constexpr (kForm == IvonCurvature::kPriceHere) {
      return scale * ((theta[i] - step.mean[i]) * g);
    }
    if constexpr (kForm == IvonCurvature::kSquares) return scale * second[i] * inverse;
    return scale * (g * g) * inverse;
  }

  // Returns the new h, and leaves the new mean in `mean`.
  template <IvonCurvature kForm>
  BAYESUM_HOST_DEVICE float update(std::size_t i, float* mean) const {
    const float g = gradient[i];
    const float h = curvature[i];
    const float a = h + step.decay;
    const float inverse = 1.0f / a;
    const float u = rate * (relative_curvature<kForm>(i, g, inverse) - h * inverse);
    const float grown = h + a * (u * (1.0f + 0.5f * u));
    const float raised = grown < floor ? floor : grown;
    const float next = raised > kLargest ? kLargest : raised;
    curvature[i] = next;
    *mean = step(i, momentum(i, g), next);
    return next;
  }
};

// What follows an update within one pass over memory: theta = m + sigma eps.
struct NextDraw {
  NoiseStart noise;
  float inverse_root_ess;
  float* theta;
};

template <IvonCurvature kForm>
struct IvonUpdate {
  IvonStep op;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    float mean;
    op.update<kForm>(i, &mean);
  }
};

template <IvonCurvature kForm>
struct IvonUpdateAndDraw {
  IvonStep op;
  float inverse_root_ess;
  float* theta;
  std::array<const float*, 5> inputs() const {
    constexpr bool kOfSecond = kForm == IvonCurvature::kPrice || kForm == IvonCurvature::kSquares;
    return {op.gradient, op.curvature, op.momentum.running, op.step.mean,
            kOfSecond ? op.second : theta};
  }
  BAYESUM_HOST_DEVICE void operator()(std::size_t i, float eps) const {
    float mean;
    const float h = op.update<kForm>(i, &mean);
    theta[i] = mean + weight_sigma(inverse_root_ess, h, op.step.decay) * eps;
  }
};

// body(std::integral_constant<IvonCurvature, form>)
template <class Body>
void with_form(IvonCurvature form, const Body& body) {
  switch (form) {
    case IvonCurvature::kPrice:
      return body(std::integral_constant<IvonCurvature, IvonCurvature::kPrice>());
    case IvonCurvature::kPriceHere:
      return body(std::integral_constant<IvonCurvature, IvonCurvature::kPriceHere>());
    case IvonCurvature::kSquares:
      return body(std::integral_constant<IvonCurvature, IvonCurvature::kSquares>());
    case IvonCurvature::kSquaresHere:
      return body(std::integral_constant<IvonCurvature, IvonCurvature::kSquaresHere>());
  }
}

// AdamW, and RMSprop where the momentum's beta is 0 and nothing is debiased:
//   s <- beta2 s + (1 - beta2) g^2
//   m <- m - rate ((M / (sqrt(s / (1 - beta2^t)) + epsilon)) + delta m)
struct AdamStep {
  Momentum momentum;
  float rate;
  float decay;
  float epsilon;
  float beta2;
  float rest2;          // 1 - beta2
  float inverse_root2;  // 1 / sqrt(1 - beta2^t), or 1
  const float* gradient;
  float* mean;
  float* curvature;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const float g = momentum.scale * gradient[i];
    const float s = beta2 * curvature[i] + rest2 * (g * g);
    const float direction = momentum(i, gradient[i]) / (inverse_root2 * std::sqrt(s) + epsilon);
    curvature[i] = s;
    mean[i] -= rate * (direction + decay * mean[i]);
  }
};

// m <- m - rate (M + delta m)
struct SgdStep {
  Momentum momentum;
  float rate;
  float decay;
  const float* gradient;
  float* mean;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    mean[i] -= rate * (momentum(i, gradient[i]) + decay * mean[i]);
  }
};

// Vadam: M of g + delta m, s as in AdamW, m <- m - rate M / (sqrt(s / (1 - beta2^t)) + delta)
struct VadamStep {
  Momentum momentum;  // of scale 1
  float scale;
  float rate;
  float decay;
  float beta2;
  float rest2;
  float inverse_root2;  // 1 / sqrt(1 - beta2^t), or 1
  const float* gradient;
  float* mean;
  float* curvature;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const float g = scale * gradient[i];
    const float s = beta2 * curvature[i] + rest2 * (g * g);
    const float direction =
        momentum(i, g + decay * mean[i]) / (inverse_root2 * std::sqrt(s) + decay);
    curvature[i] = s;
    mean[i] -= rate * direction;
  }
};

// VOGN: h <- beta2 h + (1 - beta2) mean of the examples' g^2, not below `floor`, then the mean with
// the new h.
struct VognStep {
  Momentum momentum;
  PreconditionedStep step;
  float beta2;
  float second_scale;  // 1 - beta2 over the examples
  float floor;         // of h, above -delta
  const float* gradient;
  const float* second;
  float* curvature;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const float grown = beta2 * curvature[i] + second_scale * second[i];
    const float h = grown < floor ? floor : grown;
    curvature[i] = h;
    step(i, momentum(i, gradient[i]), h);
  }
};

// BayesBiNN: M of ess g + l, l <- l - rate M; g the mean natural gradient, l the natural parameter
// of a Bernoulli with an even prior. Where all draws were one, `theta`, g is made natural here.
struct BernoulliStep {
  Momentum momentum;  // of scale 1
  float scale;        // ess over the examples
  float rate;
  float temperature;
  const float* gradient;
  const float* theta;  // null: the gradient is natural
  float* natural;
  BAYESUM_HOST_DEVICE void operator()(std::size_t i) const {
    const float l = natural[i];
    const float slope = theta == nullptr ? 1.0f : sign_slope(theta[i], l, temperature);
    natural[i] = l - rate * momentum(i, scale * (slope * gradient[i]) + l);
  }
};

void apply(const Stream& stream, const IvonStep& op, std::size_t size);
// Fused: reads what the update reads and writes the next draw beside it. `next.theta` may be
// `op.theta`. The same bits as an update followed by a draw.
void apply(const Stream& stream, const IvonStep& op, const NextDraw& next, std::size_t size);
void apply(const Stream& stream, const AdamStep& op, std::size_t size);
void apply(const Stream& stream, const SgdStep& op, std::size_t size);
void apply(const Stream& stream, const VadamStep& op, std::size_t size);
void apply(const Stream& stream, const VognStep& op, std::size_t size);
void apply(const Stream& stream, const BernoulliStep& op, std::size_t size);

}  // namespace bayesum
