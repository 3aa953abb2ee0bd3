#pragma once

#include <cmath>
#include <vector>

#include "core/data/dataset.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// The prior N(mean, sd^2) of one column's coefficient; an infinite sd is flat.
struct CoefficientPrior {
  double mean = 0;
  double sd = 1;

  double precision() const { return std::isinf(sd) ? 0.0 : 1.0 / (sd * sd); }
};

// For every column of the design. `intercept_origin` is added to the mean of the intercept.
// Error(kUsage) for a prior on a name that is not a column, naming the nearest.
std::vector<CoefficientPrior> coefficient_priors(const PriorConfig& config, const Design& design,
                                                 double intercept_origin);

}  // namespace bayesum
