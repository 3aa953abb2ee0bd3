#include "models/make_model.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "kernels/error.hpp"
#include "models/beta_bernoulli.hpp"
#include "models/gaussian_mixture.hpp"
#include "models/glm.hpp"
#include "models/lda.hpp"
#include "models/linear.hpp"
#include "models/student_t.hpp"

namespace bayesum {
namespace {

constexpr double kMostComponents = 100000;
constexpr double kMostLocalSteps = 1e9;
constexpr Interval kConcentration{.low = 0.01, .high = 1e6};  // see kernels/lda_pass.hpp

struct Recipe {
  const ModelConfig& config;
  const PriorConfig& prior;
  const Design& design;
  const DataSummary& summary;
  std::uint64_t seed;
};

struct Kind {
  std::string name;
  Support support;
  std::function<std::unique_ptr<Model>(const Recipe&)> make;
};

template <Likelihood likelihood>
std::unique_ptr<Model> make_glm(const Recipe& of) {
  return std::make_unique<GlmModel>(likelihood, of.config, of.prior, of.design, of.summary);
}

std::unique_ptr<Model> make_linear(const Recipe& of) {
  return std::make_unique<LinearModel>(of.prior, of.design, of.summary);
}

std::unique_ptr<Model> make_student_t(const Recipe& of) {
  return std::make_unique<StudentTModel>(of.config, of.prior, of.design, of.summary);
}

std::unique_ptr<Model> make_beta_bernoulli(const Recipe& of) {
  return std::make_unique<BetaBernoulliModel>(of.prior, of.design);
}

std::unique_ptr<Model> make_mixture(const Recipe& of) {
  return std::make_unique<GaussianMixtureModel>(of.config, of.prior, of.design, of.summary,
                                                of.seed);
}

std::unique_ptr<Model> make_lda(const Recipe& of) {
  return std::make_unique<LdaModel>(of.config, of.prior, of.design, of.summary, of.seed);
}

// Every model that there is.
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kinds = {
      {"linear", Support::kReal, make_linear},
      {"student-t", Support::kReal, make_student_t},
      {"logistic", Support::kBinary, make_glm<Likelihood::kLogistic>},
      {"poisson", Support::kCount, make_glm<Likelihood::kPoisson>},
      {"beta-bernoulli", Support::kBinaryFeatures, make_beta_bernoulli},
      {"gaussian-mixture", Support::kRealFeatures, make_mixture},
      {"lda", Support::kCountFeatures, make_lda},
  };
  return kinds;
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) names.push_back(kind.name);
  return names;
}

const Kind& kind_of(const std::string& name) {
  const auto found = std::ranges::find(kinds(), name, &Kind::name);
  if (found == kinds().end()) throw Error(ExitCode::kUsage, "there is no model '" + name + "'");
  return *found;
}

}  // namespace

void ModelConfig::describe(Fields& fields) {
  fields.add("model.name", name, names(), "the likelihood");
  fields.add("model.posterior", posterior, {"full", "diagonal"},
             "logistic, poisson: covariance of the Gaussian over the coefficients");
  fields.add("model.expectation", expectation, {"variational", "delta"},
             "logistic, poisson: average gradient and curvature under the posterior, or take them "
             "at its mean (Newton's method, a Laplace approximation)");
  fields.add("model.intercept", intercept, "add a column of ones");
  fields.add("model.standardize", standardize,
             "shift and scale every feature to mean 0 and sd 1; priors speak of the result");
  fields.add("model.degrees_of_freedom", degrees_of_freedom, kPositive,
             "student-t: of the noise; small for heavy tails, inf for linear regression");
  fields.add("model.components", components, {2, kMostComponents},
             "gaussian-mixture: how many Gaussians");
  fields.add("model.topics", topics, {1, kMostComponents}, "lda: how many topics");
  fields.add("model.local_steps", local_steps, {1, kMostLocalSteps},
             "lda: steps at most in which the topics of a document are found");
  fields.add("model.local_tolerance", local_tolerance, kNonNegative,
             "lda: they are found when they move by no more than this, of the document's length");
}

void PriorConfig::describe(Fields& fields) {
  fields.add("prior.mean", mean, kAnyNumber, "mean of every slope");
  fields.add("prior.sd", sd, kPositive,
             "sd of every slope, inf for a flat prior; linear: in units of the noise's sd");
  fields.add("prior.intercept_mean", intercept_mean, kAnyNumber, "mean of the intercept");
  fields.add("prior.intercept_sd", intercept_sd, kPositive, "sd of the intercept, likewise");
  fields.add("prior.center_intercept", center_intercept,
             "linear: prior.intercept_mean counts from the mean of the response");
  fields.add("prior.mean_of", mean_of, kAnyNumber, "means by column name, instead of prior.mean");
  fields.add("prior.sd_of", sd_of, kPositive, "sds by column name, instead of prior.sd");
  fields.add("prior.shape", shape, kNonNegative,
             "linear: precision of the noise ~ Gamma(shape, rate); both 0: flat in its logarithm");
  fields.add("prior.rate", rate, kNonNegative, "linear: see prior.shape");
  fields.add("prior.alpha", alpha, kPositive, "beta-bernoulli: probabilities ~ Beta(alpha, beta)");
  fields.add("prior.beta", beta, kPositive, "beta-bernoulli: see prior.alpha");
  fields.add("prior.concentration", concentration, kPositive,
             "gaussian-mixture: weights ~ Dirichlet(concentration, ...); small for few components");
  fields.add("prior.strength", strength, kPositive,
             "gaussian-mixture: rows that the prior knowledge of a component's mean is worth");
  fields.add(
      "prior.degrees", degrees, kNonNegative,
      "gaussian-mixture: degrees of freedom of a component's Wishart precision, at least the "
      "number of columns; 0: two more than that");
  fields.add("prior.scale", scale, kPositive,
             "gaussian-mixture: sd of a column within a component, a priori");
  fields.add("prior.topic_concentration", topic_concentration, kConcentration,
             "lda: probabilities of a topic's words ~ Dirichlet(topic_concentration, ...)");
  fields.add("prior.document_concentration", document_concentration, kConcentration,
             "lda: proportions of a document's topics ~ Dirichlet(document_concentration, ...); "
             "from 0.5 on the ELBO never falls");
}

Support support_of(const std::string& model_name) { return kind_of(model_name).support; }

Design make_design(const ModelConfig& config, const Dataset& data, const DataSummary& summary) {
  Design design;
  design.features = data.features();
  for (const std::string& name : design.features) design.inputs.push_back({name, {}});
  design.mean.assign(design.features.size(), 0.0);
  design.sd.assign(design.features.size(), 1.0);
  const Support support = support_of(config.name);
  design.intercept = config.intercept && has_response(support);
  if (config.standardize && (has_response(support) || support == Support::kRealFeatures)) {
    // Without an intercept a shift could not be undone by it; a mixture's means undo theirs.
    if (design.intercept || !has_response(support)) design.mean = summary.mean;
    design.sd = summary.sd;
  }
  return design;
}

std::unique_ptr<Model> make_model(const ModelConfig& config, const PriorConfig& prior,
                                  const Design& design, const DataSummary& summary,
                                  std::uint64_t seed) {
  return kind_of(config.name).make({config, prior, design, summary, seed});
}

}  // namespace bayesum
