#include "models/make_model.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "kernels/error.hpp"
#include "models/conjugate/beta_bernoulli.hpp"
#include "models/conjugate/dirichlet_categorical.hpp"
#include "models/conjugate/gamma_poisson.hpp"
#include "models/conjugate/gaussian.hpp"
#include "models/conjugate/multivariate_gaussian.hpp"
#include "models/latent/gaussian_mixture.hpp"
#include "models/latent/lda.hpp"
#include "models/regression/glm.hpp"
#include "models/regression/linear.hpp"
#include "models/regression/softmax.hpp"
#include "models/regression/student_t.hpp"

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

// What becomes of the columns on their way into the design.
enum class Columns {
  kPredictors,  // of a response: an intercept beside them, standardized
  kRows,        // what is explained itself: standardized
  kAsTheyAre
};

struct Kind {
  std::string name;
  Support support;
  std::function<std::unique_ptr<Model>(const Recipe&)> make;
  Columns columns = Columns::kPredictors;
};

template <Likelihood likelihood>
std::unique_ptr<Model> make_glm(const Recipe& of) {
  return std::make_unique<GlmModel>(likelihood, of.config, of.prior, of.design, of.summary);
}

std::unique_ptr<Model> make_softmax(const Recipe& of) {
  return std::make_unique<SoftmaxModel>(of.config, of.prior, of.design);
}

std::unique_ptr<Model> make_linear(const Recipe& of) {
  return std::make_unique<LinearModel>(of.prior, of.design, of.summary);
}

// A model without a response, of the columns themselves.
template <class Rows>
std::unique_ptr<Model> make_rows(const Recipe& of) {
  return std::make_unique<Rows>(of.prior, of.design);
}

std::unique_ptr<Model> make_student_t(const Recipe& of) {
  return std::make_unique<StudentTModel>(of.config, of.prior, of.design, of.summary);
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
      {"probit", Support::kBinary, make_glm<Likelihood::kProbit>},
      {"poisson", Support::kCount, make_glm<Likelihood::kPoisson>},
      {"negative-binomial", Support::kCount, make_glm<Likelihood::kNegativeBinomial>},
      {"softmax", Support::kCategory, make_softmax},
      {"beta-bernoulli", Support::kBinaryFeatures, make_rows<BetaBernoulliModel>,
       Columns::kAsTheyAre},
      {"dirichlet-categorical", Support::kCategoryFeatures, make_rows<DirichletCategoricalModel>,
       Columns::kAsTheyAre},
      {"gamma-poisson", Support::kCountFeatures, make_rows<GammaPoissonModel>, Columns::kAsTheyAre},
      {"gaussian", Support::kRealFeatures, make_rows<GaussianModel>, Columns::kRows},
      {"multivariate-gaussian", Support::kRealFeatures, make_rows<MultivariateGaussianModel>,
       Columns::kRows},
      {"gaussian-mixture", Support::kRealFeatures, make_mixture, Columns::kRows},
      {"lda", Support::kCountFeatures, make_lda, Columns::kAsTheyAre},
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
             "GLMs, softmax: covariance of the Gaussian over the coefficients");
  fields.add("model.expectation", expectation, {"variational", "delta"},
             "GLMs, softmax: average gradient and curvature under the posterior, or take them "
             "at its mean (Newton's method, a Laplace approximation)");
  fields.add("model.intercept", intercept, "regressions: add a column of ones");
  fields.add("model.standardize", standardize,
             "shift and scale every feature to mean 0 and sd 1; priors speak of the result");
  fields.add("model.dispersion", dispersion, {.low = 1e-3, .high = 1e8},
             "negative-binomial: r, with which a count of mean mu has variance mu + mu^2 / r");
  fields.add("model.draws", draws, {.low = 2, .high = 65536},
             "softmax: draws of the coefficients that a step averages over, an even number");
  fields.add("model.draw_seed", draw_seed, {.low = 0}, "softmax: seed of those draws");
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
  fields.add("prior.mean", mean, kAnyNumber,
             "mean of every slope; gaussian, multivariate-gaussian: of every column's mean");
  fields.add("prior.sd", sd, kPositive,
             "sd of every slope, inf for a flat prior; linear: in units of the noise's sd");
  fields.add("prior.intercept_mean", intercept_mean, kAnyNumber, "mean of the intercept");
  fields.add("prior.intercept_sd", intercept_sd, kPositive, "sd of the intercept, likewise");
  fields.add("prior.center_intercept", center_intercept,
             "linear: prior.intercept_mean counts from the mean of the response");
  fields.add("prior.mean_of", mean_of, kAnyNumber, "means by column name, instead of prior.mean");
  fields.add("prior.sd_of", sd_of, kPositive, "sds by column name, instead of prior.sd");
  fields.add("prior.shape", shape, kNonNegative,
             "linear: precision of the noise ~ Gamma(shape, rate), both 0: flat in its logarithm; "
             "gaussian: precision of a column; gamma-poisson: rate of a column");
  fields.add("prior.rate", rate, kNonNegative, "linear, gaussian, gamma-poisson: see prior.shape");
  fields.add("prior.alpha", alpha, kPositive, "beta-bernoulli: probabilities ~ Beta(alpha, beta)");
  fields.add("prior.beta", beta, kPositive, "beta-bernoulli: see prior.alpha");
  fields.add("prior.strength", strength, kPositive,
             "gaussian, multivariate-gaussian, gaussian-mixture: how many rows the prior mean of a "
             "column is worth");
  fields.add(
      "prior.degrees", degrees, kPositive,
      "multivariate-gaussian, gaussian-mixture: precision matrix of D columns ~ Wishart with "
      "degrees + D - 1 degrees of freedom");
  fields.add("prior.scale", scale, kPositive,
             "multivariate-gaussian: the inverse scale matrix of the Wishart is scale^2 I");
  fields.add("prior.component_sd", component_sd, kPositive,
             "gaussian-mixture: sd of a column within a component, a priori");
  fields.add("prior.concentration", concentration, kPositive,
             "dirichlet-categorical: probabilities of the levels ~ Dirichlet(concentration, ...); "
             "gaussian-mixture: weights, likewise; small for few components");
  fields.add("prior.topic_concentration", topic_concentration, kConcentration,
             "lda: probabilities of a topic's words ~ Dirichlet(topic_concentration, ...)");
  fields.add("prior.document_concentration", document_concentration, kConcentration,
             "lda: proportions of a document's topics ~ Dirichlet(document_concentration, ...); "
             "from 0.5 on the ELBO never falls");
  fields.add("prior.posterior", posterior, {},
             "a run or posterior file whose posterior is today's prior, with its columns as it "
             "standardized them; the other keys of [prior] are then its own");
  fields.add("prior.like", like, {},
             "a run or posterior file whose prior and columns are taken, so that the two can be "
             "combined; likewise");
  fields.add("prior.allow_overlap", allow_overlap,
             "prior.posterior: learn again from virtual shards that it has learned from already");
}

void require_proper(const PriorConfig& prior, const std::string& model_name) {
  if (prior.shape > 0 && prior.rate > 0) return;
  throw Error(ExitCode::kUsage,
              "prior.shape and prior.rate must be above 0 for the model " + model_name);
}

Support support_of(const std::string& model_name) { return kind_of(model_name).support; }

Design make_design(const ModelConfig& config, const Dataset& data, const DataSummary& summary) {
  const Columns columns = kind_of(config.name).columns;
  const bool intercept = config.intercept && columns == Columns::kPredictors;
  Design design = Design::of(data.inputs(), data.one_hot(), intercept);
  design.classes = data.classes();
  const std::vector<std::size_t> places = design.places_in_summary();
  const auto of_summary = [&](const std::vector<double>& values) {
    std::vector<double> chosen;
    for (const std::size_t place : places) chosen.push_back(values[place]);
    return chosen;
  };
  if (config.standardize && columns != Columns::kAsTheyAre) {
    // Without an intercept a shift of predictors could not be undone by it; of sparse rows it would
    // leave nothing sparse.
    const bool shift = design.intercept || columns == Columns::kRows;
    if (shift && !data.sparse()) design.mean = of_summary(summary.mean);
    design.sd = of_summary(summary.sd);
  }
  if (data.fills_missing()) design.missing = of_summary(summary.mean);
  return design;
}

std::unique_ptr<Model> make_model(const ModelConfig& config, const PriorConfig& prior,
                                  const Design& design, const DataSummary& summary,
                                  std::uint64_t seed) {
  return kind_of(config.name).make({config, prior, design, summary, seed});
}

}  // namespace bayesum
