#include <algorithm>
#include <cmath>

#include "core/rule.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr double kSmallestStep = 1e-10;

}  // namespace

StepControl::StepControl(const StepPolicy& policy) : policy_(policy) {}

double StepControl::scheduled() const {
  if (policy_.schedule == "constant") return policy_.rho;
  const double offset = policy_.schedule_offset;
  return policy_.rho *
         std::pow(offset / (offset + static_cast<double>(steps_)), policy_.schedule_power);
}

// Where differences of the ELBO mean nothing, the residual tells whether the steps converge. A step
// that had to be shortened is lengthened again after as many good ones as it was shortened before.
void StepControl::choose_rho(const Evidence& evidence) {
  if (!policy_.backtracking || !has_base_) {
    rho_ = scheduled();
    return;
  }
  const bool rose = evidence.elbo > base_elbo_ + error();
  if (!rose && evidence.residual > base_residual_) {
    shorten();
  } else if (++calm_ > patience_) {
    rho_ *= 2.0;
  }
  rho_ = std::min(rho_, scheduled());
}

void StepControl::shorten() {
  if (calm_ > 0) ++patience_;
  calm_ = 0;
  rho_ *= 0.5;
}

void StepControl::advance(const LearningRule& rule, std::span<const double> prior,
                          const Evidence& evidence, Posterior& q) {
  if (takes_back(evidence)) {
    ++backtracks_;
    shorten();
    if (rho_ < kSmallestStep) {
      throw Error(ExitCode::kNumerical,
                  "no step along the natural gradient improves the ELBO any more");
    }
  } else {
    choose_rho(evidence);
    ++steps_;
    keep_base(evidence, q);
  }
  std::ranges::copy(base_natural_, q.natural().begin());
  q = rule.step(rho_, q, prior, base_message_);
  if (!q.proper()) {
    throw Error(ExitCode::kNumerical,
                "a step of rho = " + std::to_string(rho_) +
                    " left the space of proper posteriors: evidence and prior together do not "
                    "determine every parameter, as where columns are constant or collinear and the "
                    "prior is flat");
  }
}

bool StepControl::takes_back(const Evidence& evidence) const {
  const bool has_way_back = policy_.backtracking && has_base_;
  if (!evidence.finite && !has_way_back) {
    throw Error(ExitCode::kNumerical,
                "the evidence is not finite (NaN or infinity) and there is no earlier posterior "
                "to return to: look at the scale of the columns and at the prior");
  }
  return has_way_back && fell(evidence);
}

bool StepControl::fell(const Evidence& evidence) const {
  return !evidence.finite || !(evidence.elbo >= base_elbo_ - error());
}

double StepControl::error() const { return policy_.objective_error * (1.0 + std::abs(base_elbo_)); }

void StepControl::keep_base(const Evidence& evidence, const Posterior& q) {
  has_base_ = true;
  base_elbo_ = evidence.elbo;
  base_residual_ = evidence.residual;
  base_natural_.assign(q.natural().begin(), q.natural().end());
  base_message_.assign(evidence.message.begin(), evidence.message.end());
}

StepControl::State StepControl::save() const {
  return {.scalars = {static_cast<double>(steps_), rho_, static_cast<double>(backtracks_),
                      has_base_ ? 1.0 : 0.0, base_elbo_, base_residual_, static_cast<double>(calm_),
                      static_cast<double>(patience_)},
          .base_natural = base_natural_,
          .base_message = base_message_};
}

void StepControl::load(const State& state) {
  steps_ = static_cast<std::int64_t>(state.scalars[0]);
  rho_ = state.scalars[1];
  backtracks_ = static_cast<std::int64_t>(state.scalars[2]);
  has_base_ = state.scalars[3] != 0;
  base_elbo_ = state.scalars[4];
  base_residual_ = state.scalars[5];
  calm_ = static_cast<std::int64_t>(state.scalars[6]);
  patience_ = static_cast<std::int64_t>(state.scalars[7]);
  base_natural_ = state.base_natural;
  base_message_ = state.base_message;
}

}  // namespace bayesum
