#include <algorithm>
#include <cmath>

#include "core/weights/rules/base.hpp"
#include "core/weights/rules/rules.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

class BayesBinnRule final : public BaseRule {
 public:
  BayesBinnRule(WeightRuleConfig config, double ess) : BaseRule(std::move(config)), ess_(ess) {}

  bool draws() const override { return true; }
  std::string posterior() const override { return "a Bernoulli of -1 and +1 for each weight"; }

  void mean(const Stream& stream, const WeightState& state, Range range,
            std::span<float> theta) const override {
    apply(stream,
          SignOf{.natural = state.mean.data() + range.first, .out = theta.data() + range.first},
          range.size());
  }

  void draw(const Stream& stream, const WeightState& state, Range range, double, NoiseId id,
            double sign, std::span<float> theta) const override {
    apply(stream,
          DrawSign{.sign = static_cast<float>(sign),
                   .inverse_temperature = static_cast<float>(1.0 / config().temperature),
                   .natural = state.mean.data() + range.first,
                   .theta = theta.data() + range.first},
          {id, range.first}, range.size());
  }

  void teach(const Stream& stream, const WeightState& state, Range range, double decay,
             std::span<const float> theta, std::span<const float> gradient, double examples,
             WeightMessage& message) const override {
    if (one_draw()) {
      BaseRule::teach(stream, state, range, decay, theta, gradient, examples, message);
      return;
    }
    apply(stream,
          AddSignGradient{.temperature = static_cast<float>(config().temperature),
                          .theta = theta.data() + range.first,
                          .natural = state.mean.data() + range.first,
                          .gradient = gradient.data() + range.first,
                          .message = message.gradient().data() + range.first},
          range.size());
  }

  bool sums_gradients() const override { return one_draw(); }

  void sigma(const Stream& stream, const WeightState& state, Range range, double,
             std::span<float> out) const override {
    apply(stream,
          SignSigma{.natural = state.mean.data() + range.first, .out = out.data() + range.first},
          range.size());
  }

  void draw_kept(const Stream& stream, std::span<const float> mean, std::span<const float> sd,
                 NoiseId id, std::span<float> theta) const override {
    apply(stream, DrawSignWithSd{.sign = mean.data(), .sd = sd.data(), .theta = theta.data()},
          {id, 0}, theta.size());
  }

  double expectation(double mean, double sd) const override {
    return mean * std::sqrt(std::max(0.0, 1 - sd * sd));
  }

 protected:
  double initial_curvature() const override { return 0; }

  void step(const Stream& stream, const WeightUpdate& update, WeightState& state) const override {
    if (one_draw() && update.theta.empty()) {
      throw Error(ExitCode::kUsage,
                  "BayesBiNN with the noise of the world needs the draw of the step");
    }
    const std::size_t first = update.range.first;
    apply(stream,
          BernoulliStep{.momentum = momentum(update, 1.0, state),
                        .scale = static_cast<float>(ess_ * update.scale),
                        .rate = static_cast<float>(update.learning_rate),
                        .temperature = static_cast<float>(config().temperature),
                        .gradient = update.message->gradient().data() + first,
                        .theta = one_draw() ? update.theta.data() + first : nullptr,
                        .natural = state.mean.data() + first},
          update.range.size());
  }

 private:
  // Of all shards: then the owner of a weight, who alone may hold its l, makes gradients natural.
  bool one_draw() const { return config().noise == "world"; }

  double ess_;
};

}  // namespace

std::unique_ptr<WeightRule> make_bayesbinn_rule(const WeightRuleConfig& config, double ess) {
  return std::make_unique<BayesBinnRule>(config, ess);
}

}  // namespace bayesum
