#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bayesum::testing {

// A table of numbers, row-major, with named columns.
struct Table {
  std::vector<std::string> columns;
  std::vector<double> values;

  std::size_t rows() const { return values.size() / columns.size(); }
  bool has(const std::string& column) const;
  double at(std::size_t row, const std::string& column) const;
  double& at(std::size_t row, const std::string& column);
  // Reading it back gives the same numbers, bit for bit.
  std::string csv() const;
};

// A synthetic table drawn from a model's own likelihood, a pure function of this description:
// features "x1", "x2", ..., response "y" where the model has one, and, when asked for, "offset" and
// "weight". Features of models without a response are what those explain: 0 or 1 (beta-bernoulli),
// the number of a level (dirichlet-categorical), counts (gamma-poisson), numbers that hang together
// (gaussian, multivariate-gaussian), three clusters (gaussian-mixture), or counts of the words of
// three topics (lda).
struct TableSpec {
  std::string model;  // a model's name; negative-binomial: of dispersion 1, softmax: three classes
  std::size_t rows = 120;
  std::size_t features = 3;
  bool offset = false;
  bool weight = false;  // between 0 and 2, a few of them 0
  double intercept = 0.3;
  double effect = 0.5;         // the size of the true coefficients, of alternating sign
  double feature_scale = 1.0;  // features are about feature_scale (2 + N(0, 1))
  unsigned seed = 1;
};
Table make_table(const TableSpec& spec);

bool has_response(const std::string& model);
// How many levels feature j = 0, 1, ... of dirichlet-categorical has.
std::size_t level_count(std::size_t feature);

}  // namespace bayesum::testing
