#include "core/weights/rules/base.hpp"

#include <algorithm>
#include <limits>

#include "kernels/elementwise.hpp"

namespace bayesum {

void BaseRule::start(const Stream& stream, WeightState& state) const {
  const auto h = static_cast<float>(initial_curvature());
  apply(stream, FillFloat{.value = h, .out = state.curvature.data()}, state.curvature.size());
  apply(stream, FillFloat{.value = 0, .out = state.momentum.data()}, state.momentum.size());
  state.updates = 0;
}

void BaseRule::mean(const Stream& stream, const WeightState& state, Range range,
                    std::span<float> theta) const {
  copy(stream, state.mean.span().subspan(range.first, range.size()),
       theta.subspan(range.first, range.size()));
}

void BaseRule::teach(const Stream& stream, const WeightState&, Range range, double,
                     std::span<const float>, std::span<const float> gradient, double,
                     WeightMessage& message) const {
  float* const sum = message.gradient().data() + range.first;
  const float* const term = gradient.data() + range.first;
  if (sum != term) apply(stream, AddScaledFloat{.scale = 1, .x = term, .out = sum}, range.size());
}

void BaseRule::update(const Stream& stream, const WeightUpdate& update, WeightState& state) const {
  if (update.next) {
    step_and_draw(stream, update, state);
  } else {
    step(stream, update, state);
  }
}

void BaseRule::draw_kept(const Stream& stream, std::span<const float> mean,
                         std::span<const float> sd, NoiseId id, std::span<float> theta) const {
  apply(stream, DrawWithSd{.mean = mean.data(), .sd = sd.data(), .theta = theta.data()}, {id, 0},
        theta.size());
}

void BaseRule::step_and_draw(const Stream& stream, const WeightUpdate& update,
                             WeightState& state) const {
  step(stream, update, state);
  draw(stream, state, update.range, update.decay, *update.next, 1.0, update.next_theta);
}

double BaseRule::debiased(double beta, std::int64_t step) const {
  return config_.debias ? -std::expm1(static_cast<double>(step) * std::log(beta)) : 1.0;
}

Momentum BaseRule::momentum(const WeightUpdate& update, double scale, WeightState& state) const {
  const double beta = config_.beta1;
  return {.beta = static_cast<float>(beta),
          .rest = static_cast<float>(1.0 - beta),
          .scale = static_cast<float>(scale),
          .inverse = static_cast<float>(1.0 / debiased(beta, update.step)),
          .running = state.momentum.data() + update.range.first};
}

void PointRule::draw(const Stream& stream, const WeightState& state, Range range, double, NoiseId,
                     double, std::span<float> theta) const {
  mean(stream, state, range, theta);
}

void PointRule::sigma(const Stream& stream, const WeightState&, Range range, double,
                      std::span<float> out) const {
  apply(stream, FillFloat{.value = 0, .out = out.data() + range.first}, range.size());
}

void GaussianRule::draw(const Stream& stream, const WeightState& state, Range range, double decay,
                        NoiseId id, double sign, std::span<float> theta) const {
  apply(stream,
        DrawGaussian{.inverse_root_ess = static_cast<float>(sign) * inverse_root_ess(),
                     .decay = static_cast<float>(decay),
                     .mean = state.mean.data() + range.first,
                     .curvature = state.curvature.data() + range.first,
                     .theta = theta.data() + range.first},
        {id, range.first}, range.size());
}

void GaussianRule::sigma(const Stream& stream, const WeightState& state, Range range, double decay,
                         std::span<float> out) const {
  apply(stream,
        GaussianSigma{.inverse_root_ess = inverse_root_ess(),
                      .decay = static_cast<float>(decay),
                      .curvature = state.curvature.data() + range.first,
                      .out = out.data() + range.first},
        range.size());
}

// Safely positive in float32.
float GaussianRule::least_curvature(double decay) const {
  const auto rounded = static_cast<double>(static_cast<float>(decay));
  return static_cast<float>(std::max(1e-6 * rounded, 1e-30) - rounded);
}

PreconditionedStep GaussianRule::preconditioned(const WeightUpdate& update,
                                                WeightState& state) const {
  const double rescaled = config().rescale ? config().initial_curvature + update.decay : 1.0;
  const double radius = config().clip_radius;
  return {
      .rate = static_cast<float>(update.learning_rate * rescaled),
      .decay = static_cast<float>(update.decay),
      .radius = radius > 0 ? static_cast<float>(radius) : std::numeric_limits<float>::infinity(),
      .mean = state.mean.data() + update.range.first};
}

}  // namespace bayesum
