#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "models/marginal.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// One line of the table of coefficients: mean, sd and central 95 % interval on the scale of the
// data, the standardization undone.
struct Coefficient : Marginal {
  Coefficient() = default;
  Coefficient(std::string name_, const Marginal& marginal, double design_sd_, double prior_sd_)
      : Marginal(marginal), name(std::move(name_)), design_sd(design_sd_), prior_sd(prior_sd_) {}

  std::string name;
  double design_sd = 0;     // the sd on the standardized scale, which is that of the prior
  double prior_sd = 0;      // infinite where the prior has none
  bool flat_prior = false;  // because it is flat

  // 1 - (posterior sd / prior sd)^2: 0 where the data said nothing, near 1 where they said all. NaN
  // where either does not exist.
  double contraction() const;
  double signal_to_noise() const { return std::abs(mean) / sd; }
};

// What a trained model reports. With standardized columns (value - mean_j) / sd_j and coefficients
// b,
//
//   beta_j = b_j / sd_j        intercept = b_0 - sum_j b_j mean_j / sd_j,
//
// a linear map, so that the marginals are of the posterior's own kind: Gaussian for generalised
// linear models and softmax regression (which has coefficients "CLASS:column" of every class but
// the first), Student-t with 2 a degrees of freedom for linear regression, whatever its noise
// (whose prior sds, in units of sigma, are multiplied by its mean). It adds "sigma", the sd of
// Gaussian noise and the scale of Student-t noise, tau^(-1/2) with tau ~ Gamma(a, b):
// E = sqrt(b) Gamma(a - 1/2) / Gamma(a),  E[sigma^2] = b / (a - 1).
//
// Models without a response: the probability of each column (beta-bernoulli, Beta) or of each of
// its levels, "column=level" (dirichlet-categorical, Beta); its rate (gamma-poisson, Gamma);
// "mean.column", Student-t, and "sd.column" (gaussian, multivariate-gaussian); of up to eight
// columns of the latter "cor.column.column" too, whose moments are those of 4000 draws of fixed
// noise. Gaussian mixtures: see models/latent/mixture_posterior.hpp. Topics: the probabilities of
// the ten most probable words of each, "topic.k.WORD", Beta. A moment that does not exist is
// infinite.
std::vector<Coefficient> coefficients(const TrainedModel& trained);

}  // namespace bayesum
