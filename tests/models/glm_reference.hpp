#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "core/posterior.hpp"
#include "models/make_model.hpp"
#include "tests/support/table.hpp"

// Generalised linear models once more, in long double, from the formulas alone: what a
// trained posterior is held against. Nothing of the program computes here.
namespace bayesum::oracle {

using Real = long double;

// A header of names, then numbers.
testing::Table read_table(const std::filesystem::path& path);

// An intercept and standardized features, independent Gaussian or flat priors.
struct Glm {
  std::string model;    // logistic, probit, poisson, negative-binomial
  Real dispersion = 1;  // of the last
  std::size_t rows = 0;
  std::size_t columns = 0;  // the intercept, which is the first, counted
  std::vector<Real> x;      // rows x columns
  std::vector<Real> y;
  std::vector<Real> offset;
  std::vector<Real> weight;
  std::vector<Real> shift;  // of each feature: x = (value - shift) / scale
  std::vector<Real> scale;
  std::vector<Real> prior_mean;
  std::vector<Real> prior_precision;

  // Coefficients of the standardized columns as those of the columns as they are.
  std::vector<double> on_the_scale_of_the_data(const std::vector<double>& beta) const;
};

// The parts of the columns as `columns` names them; every other column is a feature if it names
// none. The prior is of its common sds and means alone.
Glm make_glm(const ModelConfig& model, const testing::Table& table, const DataConfig& columns,
             const PriorConfig& prior);

// N(mean, covariance), the moments of a posterior's only block.
struct Moments {
  bool full = true;
  std::vector<double> mean;
  std::vector<double> precision;   // D x D row-major
  std::vector<double> covariance;  // likewise

  double sd(std::size_t j) const;
};
Moments moments_of(const Posterior& posterior);

// How far q is from the optimum of its ELBO,
//
//   ELBO = - sum_i w_i E_q[l_i(z_i)] - KL(q || prior).
//
// With g and H the sums of the derivatives in mean and variance of z, averaged by the trapezoidal
// rule on the standardized z, and S_0, m_0 the prior's precision and mean, the derivatives are
//
//   d ELBO / dm = -(g + S_0 (m - m_0))      2 d ELBO / d Sigma = S - S_0 - H
//
// (for a diagonal q the diagonal of the latter).
struct Stationarity {
  // The largest element of Newton's step (S_0 + H)^-1 d ELBO / dm, in units of q's sd.
  double mean_step = 0;
  // The largest element of Sigma (S - S_0 - H) Sigma, in units of the product of q's sds: what one
  // more step would change of the covariance.
  double covariance_step = 0;
  double elbo = 0;
  double largest_sd = 0;  // of any z_i
};
Stationarity stationarity(const Glm& glm, const Moments& q);

}  // namespace bayesum::oracle
