#include "core/weights/rules/base.hpp"
#include "core/weights/rules/rules.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

class VognRule final : public GaussianRule {
 public:
  using GaussianRule::GaussianRule;

  Second second() const override { return Second::kExample; }

 protected:
  void step(const Stream& stream, const WeightUpdate& update, WeightState& state) const override {
    if (update.message->second().empty()) {
      throw Error(ExitCode::kUsage, "a message to VOGN lacks its second part");
    }
    const std::size_t first = update.range.first;
    const double mean_square = update.scale * update.scale * update.examples;
    apply(stream,
          VognStep{.momentum = momentum(update, update.scale, state),
                   .step = preconditioned(update, state),
                   .beta2 = static_cast<float>(config().beta2),
                   .second_scale = static_cast<float>((1.0 - config().beta2) * mean_square),
                   .floor = least_curvature(update.decay),
                   .gradient = update.message->gradient().data() + first,
                   .second = update.message->second().data() + first,
                   .curvature = state.curvature.data() + first},
          update.range.size());
  }
};

class VadamRule final : public GaussianRule {
 public:
  using GaussianRule::GaussianRule;

 protected:
  double initial_curvature() const override { return 0; }

  void step(const Stream& stream, const WeightUpdate& update, WeightState& state) const override {
    const std::size_t first = update.range.first;
    const double beta2 = config().beta2;
    apply(stream,
          VadamStep{
              .momentum = momentum(update, 1.0, state),
              .scale = static_cast<float>(update.scale),
              .rate = static_cast<float>(update.learning_rate),
              .decay = static_cast<float>(update.decay),
              .beta2 = static_cast<float>(beta2),
              .rest2 = static_cast<float>(1.0 - beta2),
              .inverse_root2 = static_cast<float>(1.0 / std::sqrt(debiased(beta2, update.step))),
              .gradient = update.message->gradient().data() + first,
              .mean = state.mean.data() + first,
              .curvature = state.curvature.data() + first},
          update.range.size());
  }
};

}  // namespace

std::unique_ptr<WeightRule> make_vogn_rule(const WeightRuleConfig& config, double ess) {
  return std::make_unique<VognRule>(config, ess);
}

std::unique_ptr<WeightRule> make_vadam_rule(const WeightRuleConfig& config, double ess) {
  return std::make_unique<VadamRule>(config, ess);
}

}  // namespace bayesum
