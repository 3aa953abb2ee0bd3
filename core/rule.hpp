#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/message.hpp"
#include "core/model.hpp"
#include "core/posterior.hpp"

namespace bayesum {

struct RuleConfig {
  std::string name = "auto";
  double rho = 1.0;
  std::string schedule = "constant";
  double schedule_offset = 1.0;
  double schedule_power = 0.6;
  bool backtracking = true;
  std::string retraction = "never";

  void describe(Fields& fields);
};

// One step from q along the Bayesian learning rule (Khan and Rue, JMLR 24, 2023),
//
//   lambda <- (1 - rho) lambda + rho (lambda_prior + sum of messages),
//
// or a form of it that keeps q proper whatever the message. What the owner of a slice does.
class LearningRule {
 public:
  virtual ~LearningRule() = default;
  virtual std::string name() const = 0;
  virtual Posterior step(double rho, const Posterior& from, std::span<const double> prior,
                         std::span<const double> message) const = 0;
};

// The update as it stands: exact Bayes for a conjugate model at rho = 1; variational online Newton
// (VON) for a Gaussian, S <- (1-rho) S + rho (S_prior + H), m <- m - rho S_new^-1 (gradient).
std::unique_ptr<LearningRule> make_blend_rule();

// VON with the retraction of Lin, Schmidt and Khan (ICML 2020): with D = S - (S_prior + H),
//   S <- (S + U'U) / 2,  U = L' - rho L^-1 D,  S = L L',
// positive definite for any symmetric H; the mean step uses the new S. Gaussian blocks only.
std::unique_ptr<LearningRule> make_retraction_rule();

// The summed evidence at a posterior, in natural parameters, of one slice of lambda.
struct Evidence {
  std::span<const double> message;
  double elbo = 0;      // this and the others are of the whole posterior, the same on every rank
  double residual = 0;  // see StepReport
  bool finite = true;
};

// How far a rule steps.
struct StepPolicy {
  double rho = 1.0;                   // weight of the new evidence
  std::string schedule = "constant";  // or "power": rho (offset / (offset + t))^power
  double schedule_offset = 1.0;
  double schedule_power = 0.6;
  bool backtracking = false;
  double objective_error = 1e-10;  // see Model
};

// Follows the schedule; with backtracking, a step after which the ELBO has fallen (or the evidence
// is not finite) is taken back and tried again from where it started, with half the rho, on the
// evidence that is still at hand. One trial is one step of training. Where the ELBO no longer
// changes beyond its error no step is taken back, and rho is halved when the residual has grown.
// Decides from these two alone, so every rank decides alike.
class StepControl {
 public:
  explicit StepControl(const StepPolicy& policy);

  // Given q and its evidence, moves q. Error(kNumerical) when no step improves, when the evidence
  // is not finite and there is nothing to go back to, or when q would become improper.
  void advance(const LearningRule& rule, std::span<const double> prior, const Evidence& evidence,
               Posterior& q);

  // Would `advance` take the last step back? Then `base()` is where it started, with the report's
  // two numbers there. Error(kNumerical) as for advance.
  bool takes_back(const Evidence& evidence) const;
  std::span<const double> base() const { return base_natural_; }
  double base_elbo() const { return base_elbo_; }
  double base_residual() const { return base_residual_; }

  double rho() const { return rho_; }  // of the last step
  std::int64_t backtracks() const { return backtracks_; }

  // What exact resume needs. The base vectors are of this rank's slice.
  struct State {
    std::vector<double> scalars;
    std::vector<double> base_natural;
    std::vector<double> base_message;
  };
  State save() const;
  void load(const State& state);

 private:
  double scheduled() const;
  void choose_rho(const Evidence& evidence);
  void shorten();
  bool fell(const Evidence& evidence) const;
  double error() const;  // of the ELBO
  void keep_base(const Evidence& evidence, const Posterior& q);

  StepPolicy policy_;
  std::int64_t steps_ = 0;
  double rho_ = 0;
  std::int64_t backtracks_ = 0;
  bool has_base_ = false;
  double base_elbo_ = 0;
  double base_residual_ = 0;
  std::int64_t calm_ = 0;             // good steps since the last that was shortened
  std::int64_t patience_ = 0;         // good steps to wait for before a longer one
  std::vector<double> base_natural_;  // where the last step started, and the evidence there
  std::vector<double> base_message_;
};

// The rule and its policy for a model: "exact" (rho = 1, fully conjugate models only), "blr" (the
// schedule as it stands), "von" (backtracking), "auto" (exact if fully conjugate, blr if
// conditionally, else von).
struct ResolvedRule {
  std::unique_ptr<LearningRule> rule;
  StepPolicy policy;
};
ResolvedRule make_rule(const RuleConfig& config, Conjugacy conjugacy);

}  // namespace bayesum
