#include "models/continuation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "core/files/hash.hpp"
#include "core/sites.hpp"
#include "models/combination.hpp"
#include "models/regression/coefficients.hpp"
#include "tests/laws/models.hpp"
#include "tests/models/trained_job.hpp"

namespace bayesum {
namespace {

using laws::ModelMember;
using testing::Job;
using testing::train_as_program;

Job job_of(const ModelMember& member, const testing::TemporaryFolder& folder) {
  Job job = member.job(folder);
  job.trainer.rule = {};
  job.trainer.stop = {.steps = 1000, .residual = 1e-13};
  return job;
}

Job without(Job job, const Strings& shards) {
  job.data.without_shards = shards;
  return job;
}

std::optional<Continuation> after(const TrainedModel& yesterday, const Job& job) {
  return continue_from({.posterior = yesterday, .like = {}, .start = {}}, job.model, job.data);
}

std::optional<Continuation> like(const TrainedModel& other, const Job& job) {
  return continue_from({.posterior = {}, .like = other, .start = {}}, job.model, job.data);
}

class Sequence : public ::testing::TestWithParam<ModelMember> {
 protected:
  testing::TemporaryFolder folder;
  Job job = job_of(GetParam(), folder);
  TrainedModel yesterday = train_as_program(without(job, {"4", "5", "6", "7"})).model;
  Job rest = without(job, {"0", "1", "2", "3"});
};

// Bayes' rule day by day is Bayes' rule at once, and the log evidence adds up.
TEST_P(Sequence, IsAllAtOnce) {
  const TrainedModel today = train_as_program(rest, after(yesterday, rest)).model;
  const TrainedModel all = train_as_program(job, like(yesterday, job)).model;
  double largest = 0;
  for (const double x : all.posterior.natural()) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < all.posterior.size(); ++i) {
    EXPECT_NEAR(today.posterior.natural()[i], all.posterior.natural()[i], 1e-13 * largest);
  }
  EXPECT_EQ(today.sources, all.sources);
  EXPECT_EQ(today.prior_sources, yesterday.sources);
  EXPECT_NEAR(yesterday.fit.elbo + today.fit.elbo, all.fit.elbo, 1e-11 * std::abs(all.fit.elbo));
}

TEST_P(Sequence, TakesThePosteriorAndTheColumnsExactly) {
  const auto today = after(yesterday, rest);
  EXPECT_TRUE(std::ranges::equal(today->prior.natural, yesterday.posterior.natural()));
  EXPECT_EQ(today->prior.log_partition, yesterday.posterior.log_partition());
  EXPECT_EQ(today->design.mean, yesterday.design.mean);
  EXPECT_EQ(today->design.sd, yesterday.design.sd);
  EXPECT_EQ(today->prior_config.posterior, hash_text(hash_of_natural(yesterday.posterior)));
  EXPECT_NE(today->fingerprint(), like(yesterday, rest)->fingerprint());
}

// What a table of coefficients calls the prior's sd is then yesterday's posterior's.
TEST_P(Sequence, ReportsYesterdayAsItsPrior) {
  const TrainedModel today = train_as_program(rest, after(yesterday, rest)).model;
  const auto table = coefficients(today), before = coefficients(yesterday);
  ASSERT_EQ(table.size(), before.size());
  for (std::size_t j = 0; j < table.size(); ++j) {
    EXPECT_EQ(table[j].prior_sd, before[j].design_sd) << table[j].name;
    EXPECT_LE(table[j].contraction(), 1.0);
  }
}

// Words that have become probable today had a prior yesterday too: Beta marginals of a Dirichlet.
TEST(SequenceOfTopics, ReportsYesterdayAsThePriorOfEveryWord) {
  const testing::TemporaryFolder folder;
  Job job = job_of(laws::model("lda_many_words"), folder);
  const TrainedModel yesterday =
      train_as_program(without(job, {"1", "2", "3", "4", "5", "6", "7"})).model;
  const Job rest = without(job, {"0"});
  const TrainedModel today = train_as_program(rest, after(yesterday, rest)).model;
  const auto table = coefficients(today), before = coefficients(yesterday);
  std::size_t fresh = 0;
  for (const Coefficient& line : table) {
    const auto dot = line.name.rfind('.');
    const auto& words = today.design.features;
    const auto word = std::ranges::find(words, line.name.substr(dot + 1)) - words.begin();
    const Block& topic = yesterday.posterior.block(line.name.substr(0, dot));
    double a = 0, total = 0;
    for (std::size_t w = 0; w < words.size(); ++w) {
      const double alpha = yesterday.posterior.natural(topic)[w] + 1.0;
      total += alpha;
      if (static_cast<std::ptrdiff_t>(w) == word) a = alpha;
    }
    EXPECT_NEAR(line.prior_sd, std::sqrt(a * (total - a) / (total + 1.0)) / total, 1e-12);
    EXPECT_TRUE(std::isfinite(line.contraction()));
    fresh += std::ranges::find(before, line.name, &Coefficient::name) == before.end() ? 1U : 0U;
  }
  EXPECT_GT(fresh, 0U) << "no line is new today";
}

INSTANTIATE_TEST_SUITE_P(Models, Sequence, ::testing::ValuesIn(laws::conjugate_models()),
                         [](const auto& test) { return test.param.name; });

TEST(Like, MakesPartsThatCanBeCombined) {
  const testing::TemporaryFolder folder;
  const Job job = job_of(laws::model("linear"), folder);
  const TrainedModel a = train_as_program(without(job, {"4", "5", "6", "7"})).model;
  const Job rest = without(job, {"0", "1", "2", "3"});
  const TrainedModel alone = train_as_program(rest).model,
                     b = train_as_program(rest, like(a, rest)).model;
  const auto sum_of = [&](const TrainedModel& other) {
    return combine(
        {{.name = "a", .run = &a}, {.name = "b", .run = &other}, {.sign = -1, .name = "prior"}},
        false);
  };
  EXPECT_NE(testing::error_of(ExitCode::kUsage, [&] { sum_of(alone); }).find("is standardized by"),
            std::string::npos);
  EXPECT_EQ(sum_of(b).summary.rows, 120U);
}

// Two days after the same yesterday: it is their common prior, and counts once.
TEST(Like, TwoThatCameAfterOneAreCombinedWithoutCountingItTwice) {
  const testing::TemporaryFolder folder;
  const Job job = job_of(laws::model("linear"), folder);
  const TrainedModel yesterday = train_as_program(without(job, {"3", "4", "5", "6", "7"})).model;
  const Job of_a = without(job, {"0", "1", "2", "5", "6", "7"});
  const Job of_b = without(job, {"0", "1", "2", "3", "4"});
  const TrainedModel a = train_as_program(of_a, after(yesterday, of_a)).model;
  const TrainedModel b = train_as_program(of_b, after(yesterday, of_b)).model;
  const TrainedModel all = train_as_program(job, like(yesterday, job)).model;
  const TrainedModel sum = combine(
      {{.name = "a", .run = &a}, {.name = "b", .run = &b}, {.sign = -1, .name = "prior"}}, false);
  double largest = 0;
  for (const double x : all.posterior.natural()) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < all.posterior.size(); ++i) {
    EXPECT_NEAR(sum.posterior.natural()[i], all.posterior.natural()[i], 1e-13 * largest);
  }
  EXPECT_EQ(sum.sources, all.sources);
  EXPECT_EQ(sum.prior_sources, yesterday.sources);
  EXPECT_NEAR(yesterday.fit.elbo + sum.fit.elbo, all.fit.elbo, 1e-11 * std::abs(all.fit.elbo));
}

class Fit : public ::testing::Test {
 protected:
  std::string refusal(const Ancestors& ancestors, const Job& here) {
    return testing::error_of(ExitCode::kUsage,
                             [&] { continue_from(ancestors, here.model, here.data); });
  }
  Ancestors prior_of(const TrainedModel& trained) {
    return {.posterior = trained, .like = {}, .start = {}};
  }

  testing::TemporaryFolder folder;
  Job job = job_of(laws::model("logistic"), folder);
  TrainedModel earlier = train_as_program(job).model;
};

TEST_F(Fit, OfAnotherModelIsRefused) {
  Job other = job;
  other.model.name = "poisson";
  EXPECT_EQ(refusal(prior_of(earlier), other),
            "prior.posterior does not fit: model.name = \"logistic\" against \"poisson\" here");
  other = job;
  other.model.posterior = "diagonal";
  EXPECT_EQ(refusal({.posterior = {}, .like = earlier, .start = {}}, other),
            "prior.like does not fit: model.posterior = \"full\" against \"diagonal\" here");
}

TEST_F(Fit, OfOtherColumnsIsRefused) {
  Job other = job;
  other.data.response = "x1";
  EXPECT_EQ(refusal(prior_of(earlier), other),
            "prior.posterior does not fit: its response is 'y', here it is 'x1'");
  other = job;
  other.data.offset.clear();
  EXPECT_EQ(refusal(prior_of(earlier), other),
            "prior.posterior does not fit: its offset is 'offset', here it is none");
  other = job;
  other.data.features = {"x1", "x3"};
  EXPECT_EQ(refusal({.posterior = {}, .like = {}, .start = earlier}, other),
            "run.start does not fit: data.features names other features than its own");
}

TEST_F(Fit, OfAStartWithAnotherPriorOrColumnsIsRefused) {
  EXPECT_EQ(refusal({.posterior = earlier, .like = {}, .start = earlier}, job),
            "run.start does not fit: it has another prior");
  TrainedModel other = earlier;
  other.design.sd[0] *= 2;
  EXPECT_NE(refusal({.posterior = {}, .like = other, .start = earlier}, job)
                .find("run.start does not fit: feature 'x1' is standardized by"),
            std::string::npos);
  EXPECT_EQ(refusal({.posterior = earlier, .like = earlier, .start = {}}, job),
            "prior.posterior and prior.like each give the prior: use one");
}

TEST_F(Fit, OfAStartThatFillsMissingValuesOtherwiseIsRefused) {
  const auto told = [&](std::vector<double> missing) {
    TrainedModel other = earlier;
    other.design.missing = std::move(missing);
    return refusal({.posterior = {}, .like = other, .start = earlier}, job);
  };
  EXPECT_EQ(
      told({1, 2, 3}),
      "run.start does not fit: missing values are filled in the one and not in the other here");
  earlier.design.missing = {1, 2.5, 3};
  EXPECT_EQ(told({1, 2, 3}),
            "run.start does not fit: a missing value of feature 'x2' is 2.5 against 2 here");
}

// A checkpoint of one is not gone on from under another.
TEST_F(Fit, TheFingerprintIsOfEverythingThatDecidesTheTraining) {
  using Change = std::function<void(TrainedModel&)>;
  const std::vector<Change> changes = {
      [](TrainedModel&) {},
      [](TrainedModel& t) { t.posterior.natural()[0] += 1e-9; },
      [](TrainedModel& t) { t.prior_config.sd = 7; },
      [](TrainedModel& t) { t.design.mean[1] += 1e-9; },
      [](TrainedModel& t) { t.design.sd[1] += 1e-9; },
      [](TrainedModel& t) {
        t.design.missing = {0, 0, 0};
      },
      [](TrainedModel& t) { t.design.intercept = false; },
      [](TrainedModel& t) { t.design.one_hot = false; },
      [](TrainedModel& t) {
        t.design.classes = {"a", "b"};
      },
      [](TrainedModel& t) { t.design.classes = {"ab"}; },
      [](TrainedModel& t) {
        t.design.inputs[0].levels = {"a", "b"};
      },
      [](TrainedModel& t) { t.design.inputs[0].levels = {"ab"}; },
      [](TrainedModel& t) { t.design.inputs[0].name = "x"; },
      [](TrainedModel& t) { t.design.features[0] = "x"; },
      [](TrainedModel& t) { t.columns.categories = {"x1"}; },
      [](TrainedModel& t) { t.columns.missing = "drop"; },
      [](TrainedModel& t) { t.sources.add({17}, 1); },
  };
  std::set<std::uint64_t> seen;
  for (const Change& change : changes) {
    TrainedModel other = earlier;
    if (other.design.inputs.empty()) other.design.inputs = inputs_of_numbers(other.design.features);
    change(other);
    const auto fingerprint = after(other, job)->fingerprint();
    EXPECT_EQ(after(other, job)->fingerprint(), fingerprint);
    seen.insert(fingerprint);
  }
  EXPECT_EQ(seen.size(), changes.size());
  Continuation other = *after(earlier, job);
  const auto fingerprint = other.fingerprint();
  other.prior.log_partition += 1;
  EXPECT_NE(other.fingerprint(), fingerprint);
}

TEST_F(Fit, OfNothingIsNothing) { EXPECT_FALSE(continue_from({}, job.model, job.data)); }

}  // namespace
}  // namespace bayesum
