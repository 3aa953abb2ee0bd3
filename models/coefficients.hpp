#pragma once

#include <string>
#include <vector>

#include "models/trained_model.hpp"

namespace bayesum {

// One line of the table of coefficients, on the scale of the data (the standardization undone).
struct Coefficient {
  std::string name;
  double mean = 0;
  double sd = 0;
  double low = 0;  // central 95 % interval
  double high = 0;
  double prior_sd = 0;  // on the standardized scale; infinite: flat
};

// What a trained model reports. With standardized columns (value - mean_j) / sd_j and coefficients
// b,
//
//   beta_j = b_j / sd_j        intercept = b_0 - sum_j b_j mean_j / sd_j,
//
// a linear map, so that the marginals are of the posterior's own kind: Gaussian for logistic and
// Poisson regression, Student-t with 2 a degrees of freedom for linear regression, whatever its
// noise (prior_sd is in units of sigma). It adds "sigma", the sd of Gaussian noise and the scale of
// Student-t noise, tau^(-1/2) with tau ~ Gamma(a, b):  E = sqrt(b) Gamma(a - 1/2) / Gamma(a),
// E[sigma^2] = b / (a - 1). Beta-Bernoulli: the probability of each column, Beta. Gaussian
// mixtures: see models/mixture_posterior.hpp. Topics: the probabilities of the ten most probable
// words of each, "topic.k.WORD", Beta. A moment that does not exist is infinite.
std::vector<Coefficient> coefficients(const TrainedModel& trained);

// A probability that is Beta(a, b), a priori Beta(prior_a, prior_b).
Coefficient beta_coefficient(std::string name, double a, double b, double prior_a, double prior_b);
// tau^(-1/2) with tau ~ Gamma(shape, rate); prior_sd infinite.
Coefficient noise_coefficient(std::string name, double shape, double rate);

}  // namespace bayesum
