#include "core/rule.hpp"

#include <algorithm>

#include "core/gaussian.hpp"
#include "kernels/cholesky.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/gemm.hpp"

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
    for (const Block& block : from.blocks()) {
      const std::size_t size = block.family->size();
      step_block(rho, *block.family, from.natural(block), prior.subspan(block.first, size),
                 message.subspan(block.first, size), to.natural().subspan(block.first, size));
    }
    return to;
  }

 private:
  static void step_block(double rho, const Family& family, std::span<const double> from,
                         std::span<const double> prior, std::span<const double> message,
                         std::span<double> to) {
    std::vector<double> target(from.size());
    for (std::size_t i = 0; i < target.size(); ++i) target[i] = prior[i] + message[i];
    if (family.name() == "gaussian") return step_full(rho, family.dimension(), from, target, to);
    if (family.name() == "diagonal-gaussian") return step_diagonal(rho, from, target, to);
    throw Error(ExitCode::kUsage, "the retraction is for Gaussian posteriors, not for " +
                                      family.name() + ": set rule.retraction = \"never\"");
  }

  // target = (S_prior m_prior + H m - g, S_prior + H): its gradient at m is target_1 - target_2 m.
  static void step_full(double rho, std::size_t d, std::span<const double> from,
                        std::span<const double> target, std::span<double> to) {
    const Stream host;
    const auto q = GaussianMoments::from_natural(from, d);
    const auto precision = precision_from_packed(from.subspan(d), d);
    const auto wanted = precision_from_packed(target.subspan(d), d);
    std::vector<double> gap(d * d);  // D = S - wanted
    for (std::size_t i = 0; i < d * d; ++i) gap[i] = precision[i] - wanted[i];
    const auto inverse = q.inverse_factor();
    std::vector<double> u(d * d);  // U = L' - rho L^-1 D
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = i; j < d; ++j) u[i * d + j] = q.factor[j * d + i];
    }
    gemm(host, {.alpha = -rho, .beta = 1.0}, {inverse.data(), d, d}, {gap.data(), d, d},
         {u.data(), d, d});
    auto next = precision;
    gemm(host, {.transpose_a = Transpose::kYes, .alpha = 0.5, .beta = 0.5}, {u.data(), d, d},
         {u.data(), d, d}, {next.data(), d, d});

    // S_new m_new = S_new m + rho (target_1 - wanted m).
    for (std::size_t i = 0; i < d; ++i) {
      double ascent = target[i];
      double carried = 0;
      for (std::size_t j = 0; j < d; ++j) {
        ascent -= wanted[i * d + j] * q.mean[j];
        carried += next[i * d + j] * q.mean[j];
      }
      to[i] = carried + rho * ascent;
    }
    packed_from_precision({next.data(), d, d}, to.subspan(d));
  }

  static void step_diagonal(double rho, std::span<const double> from,
                            std::span<const double> target, std::span<double> to) {
    for (std::size_t i = 0; i < from.size(); i += 2) {
      const double precision = -2.0 * from[i + 1];
      const double wanted = -2.0 * target[i + 1];
      const double mean = from[i] / precision;
      const double shrunk = precision - rho * (precision - wanted);
      const double next = 0.5 * (precision + shrunk * (shrunk / precision));
      to[i] = next * mean + rho * (target[i] - wanted * mean);
      to[i + 1] = -0.5 * next;
    }
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
