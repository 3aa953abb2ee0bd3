#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "core/weights/weight_rule.hpp"
#include "kernels/weights/steps.hpp"

namespace bayesum {

// What rules have in common.
class BaseRule : public WeightRule {
 public:
  explicit BaseRule(WeightRuleConfig config) : config_(std::move(config)) {}

  std::string name() const override { return config_.name; }
  Second second() const override { return Second::kNone; }
  float least_curvature(double) const override { return -std::numeric_limits<float>::infinity(); }
  void start(const Stream& stream, WeightState& state) const override;
  void mean(const Stream& stream, const WeightState& state, Range range,
            std::span<float> theta) const override;
  // The sum of gradients, and nothing else.
  void teach(const Stream& stream, const WeightState& state, Range range, double decay,
             std::span<const float> theta, std::span<const float> gradient, double examples,
             WeightMessage& message) const override;
  bool sums_gradients() const override { return true; }
  void update(const Stream& stream, const WeightUpdate& update, WeightState& state) const final;
  // Of N(mean, sd^2), with sd = 0 the mean.
  void draw_kept(const Stream& stream, std::span<const float> mean, std::span<const float> sd,
                 NoiseId id, std::span<float> theta) const override;
  double expectation(double mean, double) const override { return mean; }

 protected:
  virtual void step(const Stream& stream, const WeightUpdate& update, WeightState& state) const = 0;
  // The step and `update.next`.
  virtual void step_and_draw(const Stream& stream, const WeightUpdate& update,
                             WeightState& state) const;
  virtual double initial_curvature() const { return config_.initial_curvature; }

  const WeightRuleConfig& config() const { return config_; }
  Momentum momentum(const WeightUpdate& update, double scale, WeightState& state) const;
  double debiased(double beta, std::int64_t step) const;  // 1 - beta^step, or 1

 private:
  WeightRuleConfig config_;
};

// A rule without a posterior.
class PointRule : public BaseRule {
 public:
  using BaseRule::BaseRule;

  bool draws() const override { return false; }
  std::string posterior() const override { return "none: the weights alone"; }
  void draw(const Stream& stream, const WeightState& state, Range range, double decay, NoiseId id,
            double sign, std::span<float> theta) const override;
  void sigma(const Stream& stream, const WeightState& state, Range range, double decay,
             std::span<float> out) const override;

 protected:
  double initial_curvature() const override { return 0; }
};

// A rule whose posterior is N(m, 1 / (ess (h + delta))).
class GaussianRule : public BaseRule {
 public:
  GaussianRule(WeightRuleConfig config, double ess) : BaseRule(std::move(config)), ess_(ess) {}

  bool draws() const override { return true; }
  std::string posterior() const override { return "a Gaussian for each weight"; }
  float least_curvature(double decay) const override;
  void draw(const Stream& stream, const WeightState& state, Range range, double decay, NoiseId id,
            double sign, std::span<float> theta) const override;
  void sigma(const Stream& stream, const WeightState& state, Range range, double decay,
             std::span<float> out) const override;

 protected:
  double ess() const { return ess_; }
  float inverse_root_ess() const { return static_cast<float>(1.0 / std::sqrt(ess_)); }
  // The mean's, divided by h + delta.
  PreconditionedStep preconditioned(const WeightUpdate& update, WeightState& state) const;

 private:
  double ess_;
};

}  // namespace bayesum
