#include "core/weights/rules/base.hpp"
#include "core/weights/rules/rules.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

class IvonRule final : public GaussianRule {
 public:
  using GaussianRule::GaussianRule;

  Second second() const override { return forms_here() ? Second::kNone : Second::kDraw; }

  void teach(const Stream& stream, const WeightState& state, Range range, double decay,
             std::span<const float> theta, std::span<const float> gradient, double examples,
             WeightMessage& message) const override;
  bool sums_gradients() const override { return forms_here(); }

 protected:
  void step(const Stream& stream, const WeightUpdate& update, WeightState& state) const override {
    apply(stream, kernel(update, state), update.range.size());
  }

  void step_and_draw(const Stream& stream, const WeightUpdate& update,
                     WeightState& state) const override {
    const NextDraw next{.noise = {*update.next, update.range.first},
                        .inverse_root_ess = inverse_root_ess(),
                        .theta = update.next_theta.data() + update.range.first};
    apply(stream, kernel(update, state), next, update.range.size());
  }

 private:
  bool squares() const { return config().curvature == "squares"; }
  // Is the curvature formed from the sum of gradients? Pairs need each gradient with its own draw.
  bool forms_here() const {
    return config().noise == "world" && config().curvature != "antithetic";
  }
  IvonStep kernel(const WeightUpdate& update, WeightState& state) const;
};

void IvonRule::teach(const Stream& stream, const WeightState& state, Range range, double decay,
                     std::span<const float> theta, std::span<const float> gradient, double examples,
                     WeightMessage& message) const {
  BaseRule::teach(stream, state, range, decay, theta, gradient, examples, message);
  if (forms_here() || examples == 0) return;
  float* const second = message.second().data() + range.first;
  const float* const g = gradient.data() + range.first;
  if (squares()) {
    const auto scale = static_cast<float>(1.0 / examples);
    apply(stream, AddScaledSquare{.scale = scale, .gradient = g, .second = second}, range.size());
  } else {
    apply(stream,
          AddDeviationGradient{.theta = theta.data() + range.first,
                               .mean = state.mean.data() + range.first,
                               .gradient = g,
                               .second = second},
          range.size());
  }
}

IvonStep IvonRule::kernel(const WeightUpdate& update, WeightState& state) const {
  const std::size_t first = update.range.first;
  const bool here = forms_here();
  if (here && !squares() && update.theta.empty()) {
    throw Error(ExitCode::kUsage, "IVON with the noise of the world needs the draw of the step");
  }
  if (!here && update.message->second().empty()) {
    throw Error(ExitCode::kUsage, "a message to IVON lacks its second part");
  }
  double scale = ess() * update.scale;
  if (squares()) scale *= update.scale * (here ? 1.0 : update.examples);
  using enum IvonCurvature;
  return {.form = squares() ? (here ? kSquaresHere : kSquares) : (here ? kPriceHere : kPrice),
          .momentum = momentum(update, update.scale, state),
          .step = preconditioned(update, state),
          .rate = static_cast<float>(1.0 - config().beta2),
          .scale = static_cast<float>(scale),
          .floor = least_curvature(update.decay),
          .gradient = update.message->gradient().data() + first,
          .second = here ? nullptr : update.message->second().data() + first,
          .theta = here && !squares() ? update.theta.data() + first : nullptr,
          .curvature = state.curvature.data() + first};
}

}  // namespace

std::unique_ptr<WeightRule> make_ivon_rule(const WeightRuleConfig& config, double ess) {
  return std::make_unique<IvonRule>(config, ess);
}

}  // namespace bayesum
