#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "models/regression/coefficients.hpp"
#include "tests/models/glm_reference.hpp"
#include "tests/models/trained_job.hpp"

// Data that are legal and awkward: what cannot be answered is refused with a reason, the rest is
// answered rightly.
namespace bayesum {
namespace {

using testing::Job;
using testing::make_table;
using testing::Table;

constexpr double kFlat = std::numeric_limits<double>::infinity();

std::vector<Coefficient> trained_coefficients(const Job& job) {
  const auto outcome = testing::train_on_threads(job, 2);
  EXPECT_EQ(outcome.result.reason, StopReason::kResidual);
  return coefficients(testing::trained_model(job, outcome));
}

void expect_same(const Coefficient& a, const Coefficient& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_NEAR(a.mean, b.mean, 1e-7 * b.sd) << a.name;
  EXPECT_NEAR(a.sd, b.sd, 1e-7 * b.sd) << a.name;
}

// Every row as often as its weight says, without weights.
Table repeated(const Table& table) {
  Table result{.columns = table.columns, .values = {}};
  result.columns.pop_back();
  const std::size_t width = table.columns.size();
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const auto row = table.values.begin() + static_cast<std::ptrdiff_t>(i * width);
    for (double k = 0; k < table.at(i, "weight"); ++k) {
      result.values.insert(result.values.end(), row, row + static_cast<std::ptrdiff_t>(width - 1));
    }
  }
  return result;
}

// Where the likelihood is flat to rounding, there is no way back for a flat prior.
double huge_offset(const std::string& model) {
  if (model == "probit") return 6.0;
  return model == "logistic" || model == "negative-binomial" ? 30.0 : 600.0;
}

std::string test_name(std::string model) {
  std::ranges::replace(model, '-', '_');
  return model;
}

class BadData : public ::testing::TestWithParam<std::string> {
 protected:
  Table table() const { return make_table({.model = GetParam(), .rows = 200, .features = 3}); }

  Job job(const Table& table) const {
    Job job = testing::make_job(folder_, GetParam(), table);
    job.trainer.stop = {.steps = 1000, .residual = 1e-10};
    return job;
  }

  std::string error_with_flat_prior(const Table& table) const {
    Job flat = job(table);
    flat.prior.sd = kFlat;
    return testing::error_of(ExitCode::kNumerical, [&] { testing::train_on_threads(flat, 2); });
  }

  testing::TemporaryFolder folder_;
};

TEST_P(BadData, CollinearColumnsWithAFlatPriorAreRefused) {
  const auto x3_as = [&](auto&& value) {
    Table changed = table();
    for (std::size_t i = 0; i < changed.rows(); ++i) {
      changed.at(i, "x3") = value(changed.at(i, "x1"), changed.at(i, "x2"));
    }
    return changed;
  };
  for (const Table& collinear :
       {x3_as([](double x1, double) { return x1; }),
        x3_as([](double x1, double) { return 1000.0 / 3.0 * x1 + 7.0; }),
        x3_as([](double x1, double x2) { return 2.0 * x1 - 3.0 * x2 + 0.1; })}) {
    EXPECT_NE(error_with_flat_prior(collinear).find("collinear"), std::string::npos)
        << error_with_flat_prior(collinear);
  }
}

TEST_P(BadData, EqualColumnsWithAProperPriorShareTheirEffect) {
  Table equal = table();
  for (std::size_t i = 0; i < equal.rows(); ++i) equal.at(i, "x3") = equal.at(i, "x1");
  const auto found = trained_coefficients(job(equal));
  EXPECT_NEAR(found[1].mean, found[3].mean, 1e-7 * found[3].sd);
  EXPECT_NEAR(found[1].sd, found[3].sd, 1e-7 * found[3].sd);
  EXPECT_GT(found[1].mean, 0.1);
}

TEST_P(BadData, ConstantColumnLearnsNothingAndChangesNothing) {
  Table constant = table();
  for (std::size_t i = 0; i < constant.rows(); ++i) constant.at(i, "x2") = 4.2;
  EXPECT_NE(error_with_flat_prior(constant).find("constant"), std::string::npos);

  const Job with = job(constant);
  Job without = with;
  without.data.features = {"x1", "x3"};
  const auto found = trained_coefficients(with);
  const auto others = trained_coefficients(without);
  expect_same(found[1], others[1]);
  expect_same(found[3], others[2]);
  // Its coefficient keeps the prior: N(0, 2.5^2), for linear regression in units of sigma.
  const double unit = GetParam() == "linear" ? std::hypot(found[4].mean, found[4].sd) : 1.0;
  EXPECT_NEAR(found[2].mean, 0.0, 1e-9);
  EXPECT_NEAR(found[2].sd, 2.5 * unit, 1e-9);
}

TEST_P(BadData, HugeOffsetMovesTheInterceptAlone) {
  Table shifted = make_table({.model = GetParam(), .rows = 200, .features = 3, .offset = true});
  std::vector<std::vector<Coefficient>> found;
  const double huge = huge_offset(GetParam());
  for (const double offset : {0.0, huge, -huge}) {
    for (std::size_t i = 0; i < shifted.rows(); ++i) shifted.at(i, "offset") = offset;
    Job flat = job(shifted);
    flat.prior.intercept_sd = kFlat;
    found.push_back(trained_coefficients(flat));
    found.back()[0].mean += offset;
    for (std::size_t j = 0; j < found[0].size(); ++j) expect_same(found.back()[j], found[0][j]);
  }
}

TEST_P(BadData, WeightZeroIsAbsenceAndWeightTwoIsRepetition) {
  Table weighted = make_table({.model = GetParam(), .rows = 150, .features = 3, .weight = true});
  for (std::size_t i = 0; i < weighted.rows(); ++i) {
    weighted.at(i, "weight") = static_cast<double>(i % 3);
  }
  const Table twice = repeated(weighted);
  ASSERT_EQ(twice.rows(), 150u);
  const auto found = trained_coefficients(job(weighted));
  const auto expected = trained_coefficients(job(twice));
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t j = 0; j < found.size(); ++j) expect_same(found[j], expected[j]);
}

INSTANTIATE_TEST_SUITE_P(Models, BadData,
                         ::testing::Values("linear", "logistic", "probit", "poisson",
                                           "negative-binomial"),
                         [](const auto& instance) { return test_name(instance.param); });

// No event in any row: the likelihood alone has no maximum.
class NoEvents : public ::testing::TestWithParam<std::string> {};

TEST_P(NoEvents, WithAProperPriorTrainsToTheOptimum) {
  for (const std::string posterior : {"full", "diagonal"}) {
    SCOPED_TRACE(posterior);
    Table table = make_table({.model = GetParam(), .rows = 200, .features = 3});
    for (std::size_t i = 0; i < table.rows(); ++i) table.at(i, "y") = 0.0;
    const testing::TemporaryFolder folder;
    Job job = testing::make_job(folder, GetParam(), table);
    job.model.posterior = posterior;
    job.trainer.stop.steps = 1000;
    const auto outcome = testing::train_on_threads(job, 2);
    EXPECT_EQ(outcome.result.reason, StopReason::kResidual);
    const auto q = oracle::moments_of(outcome.posterior);
    EXPECT_LT(q.mean[0] + 2.0 * q.sd(0), 0.0);
    const auto found =
        oracle::stationarity(oracle::make_glm(job.model, table, job.data, job.prior), q);
    EXPECT_LT(found.mean_step, 1e-6);
    EXPECT_LT(found.covariance_step, 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, NoEvents,
                         ::testing::Values("logistic", "probit", "poisson", "negative-binomial"),
                         [](const auto& instance) { return test_name(instance.param); });

}  // namespace
}  // namespace bayesum
