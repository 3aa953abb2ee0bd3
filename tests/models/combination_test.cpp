#include "models/combination.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "models/posterior_distance.hpp"
#include "tests/laws/models.hpp"
#include "tests/models/trained_job.hpp"

namespace bayesum {
namespace {

using laws::ModelMember;
using testing::Job;
using testing::train_as_program;
using testing::Trained;

Term run(std::int64_t sign, const Trained& trained, const std::string& name = "run") {
  return {.sign = sign, .name = name, .run = &trained.model};
}
Term site(std::int64_t sign, const Trained& trained, const std::string& name) {
  return {.sign = sign,
          .name = "run:" + name,
          .run = &trained.model,
          .sites = &trained.sites,
          .site = &trained.sites.site(name)};
}
Term prior(std::int64_t sign) { return {.sign = sign, .name = "prior"}; }

std::string refusal(const std::vector<Term>& terms, ExitCode code = ExitCode::kUsage) {
  return testing::error_of(code, [&] { combine(terms, false); });
}

// A job of the member whose columns and prior do not depend on which rows there are.
Job job_of(const ModelMember& member, const testing::TemporaryFolder& folder) {
  Job job = member.job(folder);
  job.model.standardize = false;
  job.prior.center_intercept = false;
  job.trainer.rule = {};
  job.trainer.stop = {.steps = 1000, .residual = 1e-13};
  return job;
}

Trained trained_without(Job job, const Strings& shards) {
  job.data.without_shards = shards;
  return train_as_program(job);
}

void expect_same(const TrainedModel& found, const TrainedModel& expected, double magnitude = 0) {
  for (const double x : expected.posterior.natural()) magnitude = std::max(magnitude, std::abs(x));
  for (std::size_t i = 0; i < expected.posterior.size(); ++i) {
    EXPECT_NEAR(found.posterior.natural()[i], expected.posterior.natural()[i], 1e-12 * magnitude)
        << "element " << i;
  }
  EXPECT_EQ(found.prior.natural, expected.prior.natural);
  EXPECT_EQ(found.sources, expected.sources);
  EXPECT_EQ(found.summary.rows, expected.summary.rows);
  EXPECT_EQ(found.fit.rows, expected.fit.rows);
}

class Conjugate : public ::testing::TestWithParam<ModelMember> {
 protected:
  void SetUp() override {
    job = job_of(GetParam(), folder);
    all = train_as_program(job);
    for (const double x : all.model.posterior.natural()) largest = std::max(largest, std::abs(x));
  }

  testing::TemporaryFolder folder;
  Job job;
  Trained all;
  double largest = 0;
};

TEST_P(Conjugate, TwoPartsAreTheWhole) {
  const Trained a = trained_without(job, {"0", "1", "2", "5"});
  const Trained b = trained_without(job, {"3", "4", "6", "7"});
  for (const auto& terms : {std::vector{run(1, a), run(1, b), prior(-1)},
                            std::vector{prior(-1), run(1, b), run(1, a)}}) {
    const TrainedModel sum = combine(terms, false);
    expect_same(sum, all.model);
    EXPECT_NEAR(sum.fit.elbo, all.model.fit.elbo, 1e-11 * std::abs(all.model.fit.elbo));
    EXPECT_NEAR(sum.fit.loss, all.model.fit.loss, 1e-11 * std::abs(all.model.fit.loss));
    EXPECT_NEAR(sum.summary.weight, all.model.summary.weight, 1e-12 * sum.summary.weight);
    EXPECT_NEAR(sum.summary.response_mean, all.model.summary.response_mean, 1e-12);
    EXPECT_NEAR(sum.summary.response_sd, all.model.summary.response_sd, 1e-12);
    for (std::size_t j = 0; j < sum.summary.mean.size(); ++j) {
      EXPECT_NEAR(sum.summary.mean[j], all.model.summary.mean[j], 1e-12);
      EXPECT_NEAR(sum.summary.sd[j], all.model.summary.sd[j], 1e-12);
    }
  }
}

TEST_P(Conjugate, SubtractingSitesIsRetrainingWithoutThem) {
  for (const Strings& shards : {Strings{"3"}, Strings{"0", "7"}, Strings{"6", "2", "1"}}) {
    std::vector<Term> terms = {run(1, all)};
    for (const std::string& shard : shards) terms.push_back(site(-1, all, shard));
    const Trained rest = trained_without(job, shards);
    const TrainedModel sum = combine(terms, false);
    expect_same(sum, rest.model, largest);
    EXPECT_NEAR(sum.fit.elbo, rest.model.fit.elbo, 1e-11 * std::abs(all.model.fit.elbo));
  }
}

TEST_P(Conjugate, PriorAndAllSitesAreTheWhole) {
  std::vector<Term> terms = {prior(1)};
  for (const Site& each : all.sites.sites) terms.push_back(site(1, all, each.name));
  expect_same(combine(terms, false), all.model);
}

// A group of rows is forgotten as a shard is.
TEST_P(Conjugate, SubtractingAGroupIsRetrainingWithoutIt) {
  const testing::Table table = make_table(GetParam().table);
  testing::Table north = table, rest = table;
  north.values.clear();
  rest.values.clear();
  const std::size_t columns = table.columns.size();
  for (std::size_t i = 0; i < table.rows(); ++i) {
    auto& part = i % 3 == 1 ? north.values : rest.values;
    for (std::size_t j = 0; j < columns; ++j) part.push_back(table.values[i * columns + j]);
  }
  const auto trained_on = [&](const testing::Table& rows) {
    const testing::TemporaryFolder other;
    Job part = job;
    part.data.path = other.file("table.csv", rows.csv()).string();
    return train_as_program(part);
  };
  // What the north taught, whatever q: the model is conjugate.
  const Trained of_north = trained_on(north);
  Site taught{.name = "north", .natural = std::vector<double>(all.model.posterior.size())};
  for (std::size_t i = 0; i < taught.natural.size(); ++i) {
    taught.natural[i] = of_north.model.posterior.natural()[i] - of_north.model.prior.natural[i];
  }
  taught.rows = of_north.model.fit.rows;
  Trained with_groups = all;
  with_groups.sites = {
      "region", hash_of_natural(all.model.posterior), {taught}, block_names(all.model.posterior)};
  const TrainedModel sum = combine({run(1, with_groups), site(-1, with_groups, "north")}, false);
  const TrainedModel retrained = trained_on(rest).model;
  for (std::size_t i = 0; i < taught.natural.size(); ++i) {
    EXPECT_NEAR(sum.posterior.natural()[i], retrained.posterior.natural()[i], 1e-12 * largest);
  }
  EXPECT_EQ(sum.summary.rows, retrained.summary.rows);
  for (const std::uint64_t shard : all.model.summary.shards) {
    EXPECT_EQ(sum.sources.pieces().at({shard, "region", "north"}), -1);
  }
  // It is gone, and so cannot be taken away again, nor a shard in which it was.
  const Trained forgot{sum, {}};
  const Term again = site(-1, with_groups, "north");
  EXPECT_NE(refusal({run(1, forgot), again}).find("not in it"), std::string::npos);
  EXPECT_NE(refusal({run(1, forgot), site(-1, all, "3")}).find("not in it"), std::string::npos);
  expect_same(combine({run(1, forgot), site(1, with_groups, "north")}, false), all.model);
}

INSTANTIATE_TEST_SUITE_P(Models, Conjugate, ::testing::ValuesIn(laws::conjugate_models()),
                         [](const auto& test) { return test.param.name; });

// Of a GLM the rest is where training on it starts: much nearer than the prior, and it ends at the
// posterior of the rest.
class Glm : public ::testing::TestWithParam<ModelMember> {};

TEST_P(Glm, TheRestIsAStartFromWhichTrainingConvergesToTheRest) {
  const testing::TemporaryFolder folder;
  Job job = GetParam().job(folder);
  job.trainer.rule = {};
  job.trainer.stop = {.steps = 1000, .residual = 1e-12};
  const Trained all = train_as_program(job);
  const TrainedModel start = combine({run(1, all), site(-1, all, "4")}, false);
  EXPECT_TRUE(std::isnan(start.fit.elbo));

  job.data.without_shards = {"4"};
  // In the columns and under the prior of all, but from the model's own start.
  const Trained scratch = train_as_program(
      job, continue_from({.posterior = {}, .like = all.model, .start = {}}, job.model, job.data));
  const auto from =
      continue_from({.posterior = {}, .like = {}, .start = start}, job.model, job.data);
  const Trained again = train_as_program(job, from);
  const PosteriorDistance left = distance(again.model, scratch.model);
  EXPECT_LT(left.largest_shift, 1e-8);
  EXPECT_LT(left.symmetrised_kl, 1e-12);
  EXPECT_EQ(again.model.sources, start.sources);
  const PosteriorDistance before = distance(start, again.model);
  EXPECT_GT(before.symmetrised_kl, 1e-9) << "there was something to converge to";
  TrainedModel prior_alone = again.model;
  std::ranges::copy(again.model.prior.natural, prior_alone.posterior.natural().begin());
  if (!prior_alone.posterior.proper()) return;  // flat: infinitely far
  EXPECT_LT(before.symmetrised_kl, 0.02 * distance(prior_alone, again.model).symmetrised_kl);
}

INSTANTIATE_TEST_SUITE_P(Models, Glm, ::testing::ValuesIn(laws::generalised_linear_models()),
                         [](const auto& test) { return test.param.name; });

class Refusal : public ::testing::Test {
 protected:
  testing::TemporaryFolder own_folder;
  Job job = job_of(laws::model("linear"), own_folder);
  Trained all = train_as_program(job);
};

TEST_F(Refusal, TheLikelihood) {
  const testing::TemporaryFolder folder;
  const Trained other = train_as_program(job_of(laws::model("logistic"), folder));
  EXPECT_EQ(refusal({run(1, all, "a"), run(1, other, "b"), prior(-1)}),
            "a and b cannot be combined: model.name = \"linear\" against \"logistic\"");
}

TEST_F(Refusal, TheModelsConfiguration) {
  Trained other = all;
  other.model.model.intercept = false;
  EXPECT_EQ(refusal({run(1, all, "a"), run(1, other, "b"), prior(-1)}),
            "a and b cannot be combined: model.intercept = true against false");
}

TEST_F(Refusal, TheBlocks) {
  Trained other = all;
  other.model.posterior = Posterior();
  other.model.posterior.add_block("coefficients", make_family("gaussian", 4));
  EXPECT_EQ(refusal({run(1, all, "a"), run(1, other, "b"), prior(-1)}),
            "a and b cannot be combined: their blocks are coefficients: normal-gamma of 5 and "
            "coefficients: gaussian of 4");
}

TEST_F(Refusal, TheColumns) {
  Trained other = all;
  other.model.columns.response = "z";
  EXPECT_EQ(refusal({run(1, all, "a"), run(1, other, "b"), prior(-1)}),
            "a and b cannot be combined: their response, offset or weight are other columns");
  other = all;
  other.model.design.features[1] = "x9";
  EXPECT_NE(
      refusal({run(1, all, "a"), run(1, other, "b"), prior(-1)}).find("the features are others"),
      std::string::npos);
}

TEST_F(Refusal, TheStandardization) {
  Trained other = all;
  other.model.design.mean[1] = 0.5;
  EXPECT_EQ(refusal({run(1, all, "a"), run(1, other, "b"), prior(-1)}),
            "a and b cannot be combined: feature 'x2' is standardized by mean 0 and sd 1 against "
            "mean 0.5 and sd 1 (train the second with prior.like = the first)");
}

TEST_F(Refusal, ThePrior) {
  Trained other = all;
  other.model.prior.natural[0] += 1;
  EXPECT_EQ(refusal({run(1, all, "a"), run(1, other, "b"), prior(-1)}),
            "a and b cannot be combined: their priors differ (train the second with prior.like = "
            "the first)");
}

TEST_F(Refusal, ThePriorCountsOnce) {
  const Trained a = trained_without(job, {"0"}), b = trained_without(job, {"1"});
  EXPECT_EQ(refusal({run(1, a), run(1, b)}),
            "the sum holds the prior 2 times where once is right: subtract `prior` once");
  EXPECT_EQ(refusal({run(1, a), run(-1, b)}),
            "the sum holds the prior 0 times where once is right: add `prior` once");
  EXPECT_EQ(refusal({run(1, a), run(-1, b), prior(-1)}),
            "the sum holds the prior -1 times where once is right: add `prior` 2 times");
  EXPECT_EQ(refusal({prior(1)}), "there is no posterior to combine");
}

TEST_F(Refusal, DataThatCountTwice) {
  const Trained a = trained_without(job, {"0", "1"}), b = trained_without(job, {"0", "2", "3"});
  EXPECT_EQ(refusal({run(1, a), run(1, b), prior(-1)}),
            "the terms of the sum share data, 4 virtual shards of them, which would count twice: "
            "subtract what they share, or say --allow-overlap");
  const TrainedModel twice = combine({run(1, a), run(1, b), prior(-1)}, true);
  EXPECT_EQ(twice.sources.pieces().at({all.model.summary.shards[5]}), 2);
  // What they share, taken away once.
  const TrainedModel sum = combine({run(1, a), run(1, b), prior(-1), site(-1, all, "4"),
                                    site(-1, all, "5"), site(-1, all, "6"), site(-1, all, "7")},
                                   false);
  const Trained expected = trained_without(job, {"0"});
  EXPECT_EQ(sum.sources, expected.model.sources);
}

TEST_F(Refusal, DataThatAreNotThere) {
  const Trained a = trained_without(job, {"3"});
  EXPECT_NE(refusal({run(1, a), site(-1, all, "3")}).find("data that are not in it"),
            std::string::npos);
  EXPECT_NE(refusal({run(1, all), site(-1, all, "3"), site(-1, all, "3")}).find("not in it"),
            std::string::npos);
}

// Their common prior has learned from a shard of which groups by two columns are not in it: the
// terms share nothing of it.
TEST_F(Refusal, IsNotOfWhatThePriorAloneKnows) {
  Trained a = trained_without(job, {"0", "1", "2", "3"});
  Trained b = trained_without(job, {"4", "5", "6", "7"});
  Sources of_prior;
  of_prior.add({17}, 1);
  of_prior.add({17, "region", "north"}, -1);
  of_prior.add({17, "sex", "f"}, -1);
  for (Trained* each : {&a, &b}) {
    each->model.prior_sources = of_prior;
    each->model.sources.add(of_prior, 1);
  }
  const TrainedModel sum = combine({run(1, a), run(1, b), prior(-1)}, false);
  Sources expected = all.model.sources;
  expected.add(of_prior, 1);
  EXPECT_EQ(sum.sources, expected);
  a.model.sources.add({17, "age", "old"}, -1);
  b.model.sources.add({17, "age", "young"}, -1);
  EXPECT_NE(refusal({run(1, a), run(1, b), prior(-1)}).find("share data, 1 virtual shard of them"),
            std::string::npos);
}

TEST_F(Refusal, SitesOfAnotherPosterior) {
  Trained other = all;
  other.model.posterior.natural()[0] += 1e-9;
  EXPECT_EQ(refusal({run(1, other), site(-1, other, "2")}),
            "the sites of run:2 are of another posterior than the one beside them");
  other = all;
  other.sites.blocks[0].first = "weights";
  EXPECT_EQ(refusal({run(1, other), site(-1, other, "2")}),
            "the sites of run:2 are of another posterior than the one beside them");
}

TEST_F(Refusal, AResultThatIsNotProper) {
  const testing::TemporaryFolder folder;
  const Trained flat = train_as_program(job_of(laws::model("linear_flat"), folder));
  std::vector<Term> terms = {run(1, flat)};
  for (const Site& each : flat.sites.sites) terms.push_back(site(-1, flat, each.name));
  EXPECT_EQ(refusal(terms, ExitCode::kNumerical),
            "the sum is no posterior: its block 'coefficients' (normal-gamma) is not proper, more "
            "is taken away than is known");
}

// By hand: of N(m, 1 / s) in natural parameters (s m, -s / 2),
//   symmetrised KL = ((s + s') (m - m')^2 + s / s' + s' / s - 2) / 4.
TEST(PosteriorDistance, OfTwoGaussiansIsTheFormulas) {
  TrainedModel p;
  p.model.name = "poisson";
  p.posterior.add_block("coefficients", make_family("gaussian", 1));
  p.prior.natural = {0, 0};
  TrainedModel q = p;
  const auto set = [](TrainedModel& trained, double m, double s) {
    trained.posterior.natural()[0] = s * m;
    trained.posterior.natural()[1] = -0.5 * s;
  };
  set(p, 1.5, 4.0);
  set(q, 1.0, 0.25);
  const PosteriorDistance found = distance(p, q);
  EXPECT_NEAR(found.symmetrised_kl, (4.25 * 0.25 + 16.0 + 1.0 / 16.0 - 2.0) / 4.0, 1e-14);
  EXPECT_NEAR(found.largest_shift, 0.5 / 2.0, 1e-15);
  EXPECT_EQ(distance(q, q).symmetrised_kl, 0.0);
}

}  // namespace
}  // namespace bayesum
