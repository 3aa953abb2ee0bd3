#include "core/rule.hpp"

#include <algorithm>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

class BlendRule final : public LearningRule {
 public:
  std::string name() const override { return "blend"; }

  Posterior step(double rho, const Posterior& from, std::span<const double> prior,
                 std::span<const double> message) const override {
    Posterior to = from;
    apply(Stream(),
          Blend{.rho = rho,
                .current = from.natural().data(),
                .prior = prior.data(),
                .message = message.data(),
                .out = to.natural().data()},
          to.size());
    return to;
  }
};

class RetractionRule final : public LearningRule {
 public:
  std::string name() const override { return "retraction"; }

  Posterior step(double rho, const Posterior& from, std::span<const double> prior,
                 std::span<const double> message) const override {
    Posterior to = from;
    std::vector<double> target(prior.begin(), prior.end());
    for (std::size_t i = 0; i < target.size(); ++i) target[i] += message[i];
    for (const Block& block : from.blocks()) {
      const std::size_t size = block.family->size();
      block.family->retract(rho, from.natural(block), std::span(target).subspan(block.first, size),
                            to.natural().subspan(block.first, size));
    }
    return to;
  }
};

}  // namespace

std::unique_ptr<LearningRule> make_blend_rule() { return std::make_unique<BlendRule>(); }
std::unique_ptr<LearningRule> make_retraction_rule() { return std::make_unique<RetractionRule>(); }

void RuleConfig::describe(Fields& fields) {
  fields.add("rule.name", name, {"auto", "exact", "blr", "von"},
             "exact: one step of rho = 1, for conjugate models; blr: the Bayesian learning rule on "
             "the schedule; von: the same with backtracking; auto: exact if conjugate, blr if "
             "conjugate given latent variables, else von");
  fields.add("rule.rho", rho, {.low = 0, .high = 1, .low_open = true},
             "step size: the weight of the new evidence");
  fields.add("rule.schedule", schedule, {"constant", "power"},
             "of rho over steps t; power: rho (offset / (offset + t))^power");
  fields.add("rule.schedule_offset", schedule_offset, kPositive, "offset of the power schedule");
  fields.add("rule.schedule_power", schedule_power, {.low = 0, .high = 1},
             "exponent of the power schedule");
  fields.add("rule.backtracking", backtracking,
             "von: take a step back, and halve rho, when the "
             "ELBO fell");
  fields.add("rule.retraction", retraction, {"never", "always"},
             "von: the form of the step that keeps the precision positive definite whatever the "
             "curvature; not needed where the curvature is positive by construction, as in every "
             "model here");
}

namespace {

const char* rule_for(Conjugacy conjugacy) {
  switch (conjugacy) {
    case Conjugacy::kFull:
      return "exact";
    case Conjugacy::kConditional:
      return "blr";
    case Conjugacy::kNone:
      return "von";
  }
  return "von";
}

}  // namespace

ResolvedRule make_rule(const RuleConfig& config, Conjugacy conjugacy) {
  const std::string name = config.name != "auto" ? config.name : rule_for(conjugacy);
  if (name == "exact") {
    if (conjugacy != Conjugacy::kFull) {
      throw Error(ExitCode::kUsage,
                  "rule.name = \"exact\" is for conjugate models: use \"von\" or \"blr\"");
    }
    return {make_blend_rule(), {}};
  }
  StepPolicy policy{.rho = config.rho,
                    .schedule = config.schedule,
                    .schedule_offset = config.schedule_offset,
                    .schedule_power = config.schedule_power,
                    .backtracking = name == "von" && config.backtracking};
  const bool retract = name == "von" && config.retraction == "always";
  return {retract ? make_retraction_rule() : make_blend_rule(), std::move(policy)};
}

}  // namespace bayesum
