#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace bayesum {

// The generalised Pareto distribution of exceedances x > 0 over a threshold,
//
//   P(X > x) = (1 + k x / sigma)^(-1/k)      k = 0: exp(-x / sigma)
//
// k > 0: a heavy tail, whose moments exist up to order 1/k; k < 0: a bounded one, up to -sigma/k.
struct GeneralizedPareto {
  double k = 0;
  double sigma = 1;

  double quantile(double p) const;
};

// The posterior mean over a grid of Zhang and Stephens, "A new and efficient estimation method for
// the generalized Pareto distribution", Technometrics 51 (2009); k is then drawn towards 0.5 as if
// ten more exceedances had said so (appendix of the paper below). `exceedances`: at least one,
// ascending, above zero, finite.
GeneralizedPareto fit_generalized_pareto(std::span<const double> exceedances);

// Pareto-smoothed importance sampling: how far draws of q can stand for draws of p, judged by the
// ratios w_s = p(theta_s) / q(theta_s), known up to a factor. The tail of the largest ratios,
// ceil(min(S / 5, 3 sqrt(S))) of them, is fitted by a generalised Pareto distribution, whose shape
// k says how many moments the ratios have, and replaced by that distribution's quantiles at (i -
// 1/2) / tail, none above the largest ratio there was.
//   Vehtari, Simpson, Gelman, Yao and Gabry, "Pareto smoothed importance sampling", JMLR 25 (2024).
struct Psis {
  // k of the tail. Minus infinity when there is none: the largest ratios are equal, as all of them
  // are, but for rounding (1e-8), when q is p. Plus infinity when it cannot be fitted: fewer than
  // five ratios rise above the rest, or they differ by more than the range of numbers.
  double k_hat = 0;
  std::vector<double> log_weights;  // smoothed; their exponentials sum to one
  double effective_draws = 0;       // 1 / sum of squared weights, at most S

  // Up to this k_hat, S draws are enough for estimates of a practical accuracy:
  // min(1 - 1 / log10(S), 0.7).
  double threshold() const;
  bool reliable() const { return k_hat <= threshold(); }
};

// The least number of draws with five in the tail, which the fit needs.
inline constexpr std::size_t kFewestPsisDraws = 25;

// `log_ratios`: log w_s. Minus infinity, a draw where p is zero, weighs nothing. Error(kNumerical)
// naming the draw for NaN or plus infinity, or when every draw weighs nothing; Error(kUsage) for
// fewer than kFewestPsisDraws.
Psis smooth_importance_ratios(std::span<const double> log_ratios);

}  // namespace bayesum
