#pragma once

#include <vector>

#include "models/regression/coefficients.hpp"

namespace bayesum {

// The lines of models without a response; see coefficients().
std::vector<Coefficient> beta_bernoulli_coefficients(const TrainedModel& trained);
std::vector<Coefficient> dirichlet_categorical_coefficients(const TrainedModel& trained);
std::vector<Coefficient> gamma_poisson_coefficients(const TrainedModel& trained);
std::vector<Coefficient> gaussian_coefficients(const TrainedModel& trained);
std::vector<Coefficient> multivariate_gaussian_coefficients(const TrainedModel& trained);

}  // namespace bayesum
