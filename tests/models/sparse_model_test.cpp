#include <gtest/gtest.h>

#include <cmath>

#include "core/model.hpp"
#include "models/prediction.hpp"
#include "models/regression/linear_posterior.hpp"
#include "tests/models/sparse_rows.hpp"
#include "tests/models/trained_examples.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kColumns = examples::kColumns;

struct Case {
  std::string model, posterior, expectation;
};

std::ostream& operator<<(std::ostream& out, const Case& which) {
  return out << which.model << " " << which.posterior << " " << which.expectation;
}

class SparseModel : public ::testing::TestWithParam<Case> {
 protected:
  SparseModel() : trained(examples::regression(GetParam().model, GetParam().posterior)) {
    trained.model.expectation = GetParam().expectation;
    trained.model.dispersion = 1.8;
    model = make_model(trained.model, trained.prior_config, trained.design, trained.summary);
  }

  std::vector<double> message(const Batch& batch) {
    Message taught(trained.posterior.size(), Device{});
    model->prepare(Stream(), trained.posterior);
    model->accumulate(Stream(), batch, taught);
    return {taught.wire().begin(), taught.wire().end()};
  }

  examples::SparseRows rows = examples::sparse_rows(700, kColumns);
  TrainedModel trained;
  std::unique_ptr<Model> model;
};

TEST_P(SparseModel, TeachesWhatDenseRowsTeach) {
  ASSERT_TRUE(model->takes_sparse());
  const auto sparse = message(rows.sparse()), dense = message(rows.dense());
  for (std::size_t i = 0; i < dense.size(); ++i) {
    EXPECT_NEAR(sparse[i], dense[i], 1e-11 * (1.0 + std::abs(dense[i]))) << "element " << i;
  }
}

TEST_P(SparseModel, FollowsThePosteriorFromStepToStep) {
  const auto first = message(rows.sparse());
  for (double& x : trained.posterior.natural()) x *= 1.5;  // the covariance of before is stale
  const auto sparse = message(rows.sparse()), dense = message(rows.dense());
  for (std::size_t i = 0; i < dense.size(); ++i) {
    EXPECT_NEAR(sparse[i], dense[i], 1e-11 * (1.0 + std::abs(dense[i]))) << "element " << i;
  }
}

TEST_P(SparseModel, IsPredictedAlike) {
  const auto sparse = predict(trained, rows.sparse()), dense = predict(trained, rows.dense());
  ASSERT_EQ(sparse.size(), rows.rows());
  for (std::size_t i = 0; i < sparse.size(); ++i) {
    EXPECT_NEAR(sparse[i].mean, dense[i].mean, 1e-12 * (1.0 + std::abs(dense[i].mean)));
    EXPECT_NEAR(sparse[i].sd, dense[i].sd, 1e-12 * (1.0 + dense[i].sd));
    EXPECT_NEAR(sparse[i].log_density, dense[i].log_density, 1e-11);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SparseModel,
                         ::testing::Values(Case{"linear", "full", "variational"},
                                           Case{"logistic", "full", "variational"},
                                           Case{"logistic", "diagonal", "variational"},
                                           Case{"logistic", "full", "delta"},
                                           Case{"probit", "full", "variational"},
                                           Case{"poisson", "diagonal", "variational"},
                                           Case{"negative-binomial", "full", "variational"},
                                           Case{"negative-binomial", "diagonal", "delta"}));

// The log-likelihood at points, from its definition.
double log_density(const ModelConfig& model, double y, double z) {
  if (model.name == "logistic") return y * z - std::log1p(std::exp(z));
  if (model.name == "probit") return std::log(0.5 * std::erfc((y > 0 ? -z : z) / std::sqrt(2.0)));
  if (model.name == "poisson") return y * z - std::exp(z) - std::lgamma(y + 1);
  const double r = model.dispersion;
  return std::lgamma(y + r) - std::lgamma(r) - std::lgamma(y + 1) + r * std::log(r) + y * z -
         (y + r) * std::log(r + std::exp(z));
}

class LogLikelihood : public ::testing::TestWithParam<std::string> {};

TEST_P(LogLikelihood, IsTheSumOverRowsAtEachDraw) {
  TrainedModel trained = examples::regression(GetParam());
  trained.model.dispersion = 1.8;
  const auto model =
      make_model(trained.model, trained.prior_config, trained.design, trained.summary);
  const auto rows = examples::sparse_rows(2500, kColumns);  // more than are taken at once
  const std::vector<double> draws = {0.1, -0.5, 0.4, 1.0, -1.0, 0.2, 0.0, -0.3, 0, 0, 0, 0};
  std::vector<double> expected(3, 0.25), dense(3, 0.25), sparse(3, 0.25);
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    for (std::size_t s = 0; s < 3; ++s) {
      double z = rows.offset[i];
      for (std::size_t j = 0; j < kColumns; ++j)
        z += rows.x[i * kColumns + j] * draws[s * kColumns + j];
      expected[s] += rows.weight[i] * log_density(trained.model, rows.y[i], z);
    }
  }
  model->log_likelihood(rows.dense(), {draws.data(), 3, kColumns}, dense);
  model->log_likelihood(rows.sparse(), {draws.data(), 3, kColumns}, sparse);
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_NEAR(dense[s], expected[s], 1e-12 * std::abs(expected[s]));
    EXPECT_NEAR(sparse[s], expected[s], 1e-12 * std::abs(expected[s]));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, LogLikelihood,
                         ::testing::Values("logistic", "probit", "poisson", "negative-binomial"));

}  // namespace
}  // namespace bayesum
