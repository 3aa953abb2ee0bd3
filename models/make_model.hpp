#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/config.hpp"
#include "core/dataset.hpp"
#include "core/model.hpp"

namespace bayesum {

struct ModelConfig {
  std::string name;                         // one of those in make_model.cpp
  std::string posterior = "full";           // of a GLM: full or diagonal Gaussian
  std::string expectation = "variational";  // or delta: at the mean, which makes the rule Newton's
  bool intercept = true;
  bool standardize = true;
  double degrees_of_freedom = 4.0;  // student-t: of the noise
  std::int64_t components = 3;      // gaussian-mixture
  std::int64_t topics = 10;         // lda
  std::int64_t local_steps = 1000;  // lda: of the iteration that resolves a document, at most
  double local_tolerance = 1e-7;    // lda: where it stops

  void describe(Fields& fields);
};

// Priors speak of standardized columns. An infinite sd is an explicit flat prior.
struct PriorConfig {
  double mean = 0.0;  // of every slope
  double sd = 2.5;
  double intercept_mean = 0.0;
  double intercept_sd = 10.0;
  bool center_intercept = true;  // linear: its mean counts from the mean of the response
  Numbers mean_of;               // by feature name, overriding `mean`
  Numbers sd_of;
  double shape = 1.0;  // linear: precision of the noise ~ Gamma(shape, rate)
  double rate = 1.0;
  double alpha = 1.0;  // beta-bernoulli: Beta(alpha, beta)
  double beta = 1.0;
  double concentration = 1.0;  // gaussian-mixture: weights ~ Dirichlet(concentration)
  double strength = 0.1;  // gaussian-mixture: rows that the prior of a component's mean is worth
  double degrees = 0.0;   // gaussian-mixture: of the Wishart; 0: two more than columns
  double scale = 0.5;     // gaussian-mixture: sd of a column within a component
  double topic_concentration = 0.1;     // lda: words of a topic ~ Dirichlet(topic_concentration)
  double document_concentration = 0.5;  // lda: topics of a document, likewise
  void describe(Fields& fields);
};

// What the response of a model may be, before there is a model.
Support support_of(const std::string& model_name);
// The affine map of the columns under this configuration.
Design make_design(const ModelConfig& config, const Dataset& data, const DataSummary& summary);

// `seed` is that of the noise with which models that need it break the symmetry of their start.
std::unique_ptr<Model> make_model(const ModelConfig& config, const PriorConfig& prior,
                                  const Design& design, const DataSummary& summary,
                                  std::uint64_t seed = 1);

}  // namespace bayesum
