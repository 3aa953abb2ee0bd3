#pragma once

#include <vector>

#include "tests/laws/dense.hpp"
#include "tests/support/training.hpp"

namespace bayesum::oracle {

// A regression as the textbook has it, made from the table and not from its file, in extended
// precision: design matrix (intercept first, columns standardized if the job says so), response,
// offsets, weights, and the independent normal priors of the coefficients.
struct Regression {
  Regression(const testing::Job& job, const testing::Table& table);

  std::size_t rows() const { return x.size(); }
  std::size_t columns() const { return prior_mean.size(); }
  Real predictor(std::size_t row, const Vector& beta) const {
    return dot(x[row], beta) + offset[row];
  }

  std::vector<Vector> x;
  Vector y, offset, weight;
  Vector prior_mean, prior_precision;  // precision 0: flat
};

}  // namespace bayesum::oracle
