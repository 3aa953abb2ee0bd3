#include "tests/laws/models.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "models/regression/glm.hpp"

namespace bayesum::laws {
namespace {

using testing::Job;

constexpr double kFlat = std::numeric_limits<double>::infinity();

void informative(Job& job) {
  job.prior.sd_of = {{"x2", 0.3}};
  job.prior.mean_of = {{"x1", 0.4}};
  job.prior.shape = 2.5;
  job.prior.rate = 1.5;
}

void flat(Job& job) {
  job.prior.sd = kFlat;
  job.prior.intercept_sd = kFlat;
  job.prior.shape = 0;
  job.prior.rate = 0;
}

void raw_columns(Job& job) {
  job.model.standardize = false;
  job.model.intercept = false;
}

void diagonal(Job& job) { job.model.posterior = "diagonal"; }
void delta(Job& job) { job.model.expectation = "delta"; }

// A weak prior on raw columns: full steps overshoot.
void hard(Job& job) {
  job.model.standardize = false;
  job.prior.sd = 100;
  job.prior.intercept_sd = 100;
}

// Documents are resolved to where rounding begins, as the laws compare what rounding leaves.
void topics(Job& job) {
  job.model.topics = 3;
  job.model.local_tolerance = 1e-12;
  job.model.local_steps = 20000;
}

}  // namespace

Job ModelMember::job(const testing::TemporaryFolder& folder) const {
  Job job = make_job(folder, table);
  job.data.block_rows = 11;
  if (conjugate() || latent()) job.trainer.rule = {.name = "blr", .rho = 0.4};
  job.trainer.stop = {.steps = 6, .residual = 0};
  configure(job);
  return job;
}

bool ModelMember::latent() const {
  return table.model == "student-t" || table.model == "gaussian-mixture" || table.model == "lda";
}

bool ModelMember::conjugate() const {
  return !latent() && table.model != "softmax" && !likelihood_of(table.model);
}

const std::vector<ModelMember>& models() {
  static const std::vector<ModelMember> models = {
      {"linear", {.model = "linear", .offset = true, .weight = true}, informative},
      {"linear_flat", {.model = "linear", .rows = 60, .seed = 2}, flat},
      {"linear_raw", {.model = "linear", .rows = 40, .features = 5, .seed = 3}, raw_columns},
      {"beta_bernoulli",
       {.model = "beta-bernoulli", .features = 7, .seed = 4},
       [](Job& job) { job.prior.alpha = 0.5, job.prior.beta = 2.0; }},
      {"beta_bernoulli_weighted",
       {.model = "beta-bernoulli", .rows = 50, .features = 2, .weight = true, .seed = 12},
       [](Job&) {}},
      {"gaussian",
       {.model = "gaussian", .features = 4, .weight = true, .seed = 13},
       [](Job& job) { job.prior.mean = 0.3, job.prior.strength = 2.5, job.prior.shape = 2.0; }},
      {"gaussian_raw",
       {.model = "gaussian", .rows = 40, .features = 7, .feature_scale = 20.0, .seed = 14},
       [](Job& job) { job.model.standardize = false; }},
      {"multivariate_gaussian",
       {.model = "multivariate-gaussian", .features = 4, .weight = true, .seed = 15},
       [](Job& job) { job.prior.mean = -0.2, job.prior.strength = 1.5, job.prior.scale = 1.3; }},
      {"multivariate_gaussian_raw",
       {.model = "multivariate-gaussian", .rows = 30, .features = 2, .seed = 16},
       [](Job& job) { job.model.standardize = false, job.prior.degrees = 0.5; }},
      {"dirichlet_categorical",
       {.model = "dirichlet-categorical", .features = 6, .weight = true, .seed = 17},
       [](Job& job) { job.prior.concentration = 0.4; }},
      {"gamma_poisson",
       {.model = "gamma-poisson", .features = 5, .offset = true, .weight = true, .seed = 18},
       [](Job& job) { job.prior.shape = 0.5, job.prior.rate = 0.2; }},
      {"gamma_poisson_plain", {.model = "gamma-poisson", .features = 2, .seed = 19}, [](Job&) {}},
      {"logistic", {.model = "logistic", .offset = true, .weight = true, .seed = 5}, informative},
      {"logistic_diagonal",
       {.model = "logistic", .features = 5, .weight = true, .seed = 6},
       diagonal},
      {"logistic_delta", {.model = "logistic", .rows = 200, .seed = 7}, delta},
      {"logistic_hard",
       {.model = "logistic",
        .rows = 400,
        .intercept = -4.0,
        .effect = 1.5,
        .feature_scale = 30.0,
        .seed = 8},
       hard},
      {"poisson", {.model = "poisson", .offset = true, .weight = true, .seed = 9}, informative},
      {"poisson_diagonal",
       {.model = "poisson", .features = 5, .offset = true, .seed = 10},
       diagonal},
      {"probit", {.model = "probit", .offset = true, .weight = true, .seed = 13}, informative},
      {"probit_diagonal", {.model = "probit", .features = 5, .seed = 14}, diagonal},
      {"negative_binomial",
       {.model = "negative-binomial", .offset = true, .weight = true, .seed = 15},
       [](Job& job) { informative(job), job.model.dispersion = 2.5; }},
      {"negative_binomial_diagonal",
       {.model = "negative-binomial", .features = 5, .seed = 16},
       diagonal},
      {"negative_binomial_delta", {.model = "negative-binomial", .rows = 200, .seed = 17}, delta},
      {"softmax", {.model = "softmax", .weight = true, .seed = 18}, informative},
      {"softmax_diagonal", {.model = "softmax", .rows = 200, .seed = 19}, diagonal},
      {"softmax_delta", {.model = "softmax", .rows = 200, .features = 2, .seed = 20}, delta},
      {"poisson_flat", {.model = "poisson", .features = 2, .intercept = 1.5, .seed = 11}, flat},
      {"student_t",
       {.model = "student-t", .offset = true, .weight = true, .seed = 13},
       informative},
      {"student_t_flat",
       {.model = "student-t", .rows = 60, .features = 2, .seed = 14},
       [](Job& job) { flat(job), job.model.degrees_of_freedom = 1.5; }},
      {"gaussian_mixture",
       {.model = "gaussian-mixture", .rows = 150, .weight = true, .seed = 15},
       [](Job& job) { job.prior.concentration = 0.7; }},
      {"gaussian_mixture_raw",
       {.model = "gaussian-mixture", .rows = 90, .features = 2, .feature_scale = 3.0, .seed = 16},
       [](Job& job) {
         job.model.standardize = false;
         job.model.components = 2;
         job.prior.component_sd = 2.0;
       }},
      {"lda", {.model = "lda", .rows = 40, .features = 12, .weight = true, .seed = 17}, topics},
      {"lda_many_words",
       {.model = "lda", .rows = 40, .features = 30, .seed = 18},
       [](Job& job) { topics(job), job.prior.document_concentration = 1.3; }},
  };
  return models;
}

std::vector<ModelMember> conjugate_models() {
  std::vector<ModelMember> found;
  std::ranges::copy_if(models(), std::back_inserter(found), &ModelMember::conjugate);
  return found;
}

std::vector<ModelMember> generalised_linear_models() {
  std::vector<ModelMember> found;
  std::ranges::copy_if(models(), std::back_inserter(found), [](const ModelMember& member) {
    return likelihood_of(member.table.model).has_value();
  });
  return found;
}

std::vector<ModelMember> softmax_models() {
  std::vector<ModelMember> found;
  std::ranges::copy_if(models(), std::back_inserter(found),
                       [](const ModelMember& member) { return member.table.model == "softmax"; });
  return found;
}

std::vector<ModelMember> minibatch_models() {
  std::vector<ModelMember> found;
  for (const char* name : {"linear", "linear_raw", "beta_bernoulli_weighted", "logistic",
                           "logistic_diagonal", "poisson", "poisson_diagonal"}) {
    ModelMember member = model(name);
    member.name += "_minibatch";
    member.configure = [whole = member.configure](Job& job) {
      whole(job);
      job.data.shards_per_step = 2;
      job.trainer.rule = {.name = "blr", .rho = 0.2};
      job.trainer.seed = 77;
    };
    found.push_back(std::move(member));
  }
  return found;
}

std::vector<ModelMember> latent_models() {
  std::vector<ModelMember> found;
  std::ranges::copy_if(models(), std::back_inserter(found), &ModelMember::latent);
  return found;
}

const ModelMember& model(const std::string& name) {
  const auto found = std::ranges::find(models(), name, &ModelMember::name);
  if (found == models().end()) throw std::logic_error("no model member " + name);
  return *found;
}

std::ostream& operator<<(std::ostream& out, const ModelMember& member) {
  return out << member.name;
}

}  // namespace bayesum::laws
