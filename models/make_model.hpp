#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/config.hpp"
#include "core/data/dataset.hpp"
#include "core/model.hpp"

namespace bayesum {

struct ModelConfig {
  std::string name;                         // see make_model.cpp
  std::string posterior = "full";           // of a GLM or softmax: full or diagonal Gaussian
  std::string expectation = "variational";  // or delta: at the mean, which makes the rule Newton's
  bool intercept = true;
  bool standardize = true;
  double dispersion = 1.0;          // negative-binomial: r, variance mu + mu^2 / r
  std::int64_t draws = 32;          // softmax: of the coefficients, at every step
  std::int64_t draw_seed = 0;       // softmax: of their noise
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
  double shape = 1.0;  // precision of the noise, or of a column, or its rate ~ Gamma(shape, rate)
  double rate = 1.0;
  double alpha = 1.0;  // beta-bernoulli: Beta(alpha, beta)
  double beta = 1.0;
  double strength = 0.1;       // gaussian, mixtures: rows that the prior mean is worth
  double degrees = 3.0;        // multivariate-gaussian, mixtures: Wishart(degrees + D - 1, ...)
  double scale = 1.0;          // multivariate-gaussian: its inverse scale matrix is scale^2 I
  double component_sd = 0.5;   // gaussian-mixture: sd of a column within a component
  double concentration = 1.0;  // dirichlet-categorical, gaussian-mixture: Dirichlet(concentration)
  double topic_concentration = 0.1;     // lda: words of a topic ~ Dirichlet(topic_concentration)
  double document_concentration = 0.5;  // lda: topics of a document, likewise
  std::string posterior;       // a run whose posterior is the prior, see models/continuation.hpp
  std::string like;            // a run whose prior is the prior
  bool allow_overlap = false;  // with `posterior`: data that it has learned from already

  void describe(Fields& fields);
};

// Error(kUsage) unless the Gamma(shape, rate) of the prior is proper, as this model needs it.
void require_proper(const PriorConfig& prior, const std::string& model_name);

// What the response of a model may be, before there is a model.
Support support_of(const std::string& model_name);
// The affine map of the columns under this configuration.
Design make_design(const ModelConfig& config, const Dataset& data, const DataSummary& summary);

// `seed` is that of the noise with which models that need it break the symmetry of their start.
std::unique_ptr<Model> make_model(const ModelConfig& config, const PriorConfig& prior,
                                  const Design& design, const DataSummary& summary,
                                  std::uint64_t seed = 1);

}  // namespace bayesum
