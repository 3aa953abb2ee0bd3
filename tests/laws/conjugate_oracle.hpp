#pragma once

#include <string>

#include "tests/laws/regression.hpp"

namespace bayesum::oracle {

// The exact posterior of a conjugate model as a textbook has it: natural parameters, each with the
// sum of the magnitudes of its terms (what rounding is relative to), and the log evidence.
struct ExactPosterior {
  Vector natural;
  Vector magnitude;
  Real log_evidence = 0;
};

// Linear regression with unknown noise (Bernardo and Smith, 1994, appendix A):
//   Lambda = Lambda_0 + X'WX     Lambda m = Lambda_0 m_0 + X'Wr
//   a = a_0 + sum w / 2          b = b_0 + (r'Wr + m_0' Lambda_0 m_0 - m' Lambda m) / 2
//   log evidence = -sum w log(2 pi) / 2 + (log|Lambda_0| - log|Lambda|) / 2
//                  + a_0 log b_0 - log Gamma(a_0) - a log b + log Gamma(a)
// Of a flat prior the terms with index 0 are left out, and each flat coefficient brings a factor
// (2 pi)^(1/2).
struct LinearPosterior : ExactPosterior {
  LinearPosterior(const testing::Job& job, const testing::Table& table);

  Matrix precision;  // Lambda
  Vector mean;       // m
  Real shape = 0;    // a
  Real rate = 0;     // b
};

// Each column k of the table: Beta(alpha + successes, beta + failures).
ExactPosterior beta_bernoulli_posterior(const testing::Job& job, const testing::Table& table);

// Each column, standardized or not, with sums S_0 = sum w, S_1 = sum w x, S_2 = sum w x^2
// (Murphy, "Conjugate Bayesian analysis of the Gaussian distribution", 2007):
//   kappa = strength + S_0     m = (strength mean + S_1) / kappa     a = shape + S_0 / 2
//   b = rate + (S_2 + strength mean^2 - kappa m^2) / 2
ExactPosterior gaussian_posterior(const testing::Job& job, const testing::Table& table);

// The same with matrices: n = n_0 + S_0, W = W_0 + sum w x x' + strength mean mean' - kappa m m'.
ExactPosterior multivariate_gaussian_posterior(const testing::Job& job,
                                               const testing::Table& table);

// Each column: Dirichlet(concentration + weight of the rows that show the level).
ExactPosterior dirichlet_categorical_posterior(const testing::Job& job,
                                               const testing::Table& table);

// Each column: Gamma(shape + sum w x, rate + sum w e^offset).
ExactPosterior gamma_poisson_posterior(const testing::Job& job, const testing::Table& table);

ExactPosterior exact_posterior(const testing::Job& job, const testing::Table& table);

// The log evidence of linear regression without weights, from the other side: y is multivariate
// Student-t, t_2a(X m_0 + offset, b/a (I + X Lambda_0^-1 X')).
Real linear_log_evidence_of_responses(const testing::Job& job, const testing::Table& table);

}  // namespace bayesum::oracle
