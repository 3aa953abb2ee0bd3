#include "core/weights/rules/base.hpp"
#include "core/weights/rules/rules.hpp"

namespace bayesum {
namespace {

class AdamRule final : public PointRule {
 public:
  using PointRule::PointRule;

 protected:
  void step(const Stream& stream, const WeightUpdate& update, WeightState& state) const override {
    const std::size_t first = update.range.first;
    const double beta2 = config().beta2;
    apply(
        stream,
        AdamStep{.momentum = momentum(update, update.scale, state),
                 .rate = static_cast<float>(update.learning_rate),
                 .decay = static_cast<float>(update.decay),
                 .epsilon = static_cast<float>(config().epsilon),
                 .beta2 = static_cast<float>(beta2),
                 .rest2 = static_cast<float>(1.0 - beta2),
                 .inverse_root2 = static_cast<float>(1.0 / std::sqrt(debiased(beta2, update.step))),
                 .gradient = update.message->gradient().data() + first,
                 .mean = state.mean.data() + first,
                 .curvature = state.curvature.data() + first},
        update.range.size());
  }
};

class SgdRule final : public PointRule {
 public:
  using PointRule::PointRule;

 protected:
  void step(const Stream& stream, const WeightUpdate& update, WeightState& state) const override {
    apply(stream,
          SgdStep{.momentum = momentum(update, update.scale, state),
                  .rate = static_cast<float>(update.learning_rate),
                  .decay = static_cast<float>(update.decay),
                  .gradient = update.message->gradient().data() + update.range.first,
                  .mean = state.mean.data() + update.range.first},
          update.range.size());
  }
};

}  // namespace

std::unique_ptr<WeightRule> make_adamw_rule(const WeightRuleConfig& config) {
  return std::make_unique<AdamRule>(config);
}

std::unique_ptr<WeightRule> make_rmsprop_rule(const WeightRuleConfig& config) {
  WeightRuleConfig without_momentum = config;
  without_momentum.beta1 = 0;
  without_momentum.debias = false;
  return std::make_unique<AdamRule>(without_momentum);
}

std::unique_ptr<WeightRule> make_sgd_rule(const WeightRuleConfig& config) {
  return std::make_unique<SgdRule>(config);
}

}  // namespace bayesum
