#include "models/evaluation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "kernels/error.hpp"
#include "models/prediction.hpp"
#include "tests/models/numerics.hpp"
#include "tests/models/trained_examples.hpp"

namespace bayesum {
namespace {

struct Rows {
  std::vector<double> x, y, offset, weight;

  std::size_t size() const { return y.size(); }
  Batch part(Range range) const {
    const auto of = [&](const std::vector<double>& column) {
      return column.empty() ? std::span<const double>()
                            : std::span(column).subspan(range.first, range.size());
    };
    return {{x.data() + 4 * range.first, range.size(), 4}, of(y), of(offset), of(weight)};
  }
  Batch all() const { return part({0, size()}); }
};

// Rows whose responses a trained model predicts exactly: each has its own draw of the posterior,
// and a response drawn from the likelihood at it.
Rows simulate(const TrainedModel& trained, std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  const Block& block = trained.posterior.blocks()[0];
  std::vector<double> theta(block.family->dimension());
  Rows rows;
  for (std::size_t i = 0; i < size; ++i) {
    block.family->sample(trained.posterior.natural(block), {.seed = seed, .draw = unsigned(i)},
                         theta);
    rows.x.push_back(1.0);
    for (int j = 0; j < 3; ++j) rows.x.push_back(2.0 * normal(random));
    rows.offset.push_back(0.3 * normal(random));
    double z = rows.offset.back();
    for (std::size_t j = 0; j < 4; ++j) z += rows.x[4 * i + j] * theta[j];
    if (trained.model.name == "linear") {
      rows.y.push_back(z + normal(random) / std::sqrt(theta[4]));
    } else if (trained.model.name == "probit") {
      rows.y.push_back(z + normal(random) > 0 ? 1 : 0);
    } else if (trained.model.name == "negative-binomial") {  // of dispersion 1
      const double rate = std::exp(z) * std::exponential_distribution<double>()(random);
      rows.y.push_back(std::poisson_distribution<int>(std::max(rate, 1e-12))(random));
    } else if (trained.model.name == "poisson") {
      rows.y.push_back(std::poisson_distribution<int>(std::exp(z))(random));
    } else {
      rows.y.push_back(std::bernoulli_distribution(1 / (1 + std::exp(-z)))(random) ? 1 : 0);
    }
  }
  return rows;
}

Evaluation evaluate(const TrainedModel& trained, const Rows& rows) {
  Evaluator evaluator(trained, 1);
  for (std::size_t part = 0; part < 3; ++part) {
    evaluator.add(rows.part(even_part(rows.size(), 3, part)));
  }
  evaluator.end_shard();
  evaluator.reduce(Stream(), *make_self_communicator());
  return evaluator.result();
}

constexpr std::size_t kSimulated = 20000;

// The posterior with its precision multiplied: too sure of itself.
TrainedModel overconfident(const std::string& name) {
  examples::Moments q;
  for (double& x : q.precision) x *= 40.0;
  q.rate /= 40.0;
  return examples::regression(name, "full", q);
}

class Calibration : public testing::TestWithParam<const char*> {};

TEST_P(Calibration, OfThePredictiveThatMadeTheData) {
  const auto trained = examples::regression(GetParam());
  const auto evaluation = evaluate(trained, simulate(trained, kSimulated, 11));
  const double error = 4.0 * 0.5 / std::sqrt(double(kSimulated));
  EXPECT_EQ(evaluation.rows, kSimulated);
  EXPECT_NEAR(evaluation.coverage50, 0.5, error);
  EXPECT_NEAR(evaluation.coverage90, 0.9, error);
  EXPECT_LT(evaluation.calibration_error, 0.02);
  EXPECT_GT(evaluation.log_density, evaluation.baseline_log_density);
  ASSERT_EQ(evaluation.bins.size(), 10u);
  double share = 0;
  for (const auto& bin : evaluation.bins) share += bin.share;
  EXPECT_NEAR(share, 1.0, 1e-12);
}

TEST_P(Calibration, ShowsAPosteriorThatIsTooSure) {
  const auto trained = examples::regression(GetParam());
  const auto rows = simulate(trained, kSimulated, 12);
  const auto right = evaluate(trained, rows);
  const auto wrong = evaluate(overconfident(GetParam()), rows);
  EXPECT_GT(wrong.calibration_error, 1.5 * right.calibration_error);
  EXPECT_LT(wrong.log_density, right.log_density);
}

INSTANTIATE_TEST_SUITE_P(Models, Calibration,
                         testing::Values("linear", "logistic", "probit", "poisson",
                                         "negative-binomial"));

Rows few(std::vector<double> y) {
  return {.x = {1, 0.3, -1.2, 0.5, 1, -0.7, 0.1, 2.0, 1, -3, 1, 0, 1, 2.0, -1.5, -1.5},
          .y = std::move(y),
          .offset = {},
          .weight = {1, 2, 0.5, 0}};  // the last row says nothing
}

// The weighted mean over rows of f(y, prediction).
template <class Score>
double mean_score(const TrainedModel& trained, const Rows& rows, const Score& score) {
  const auto predictions = predict(trained, rows.all());
  double sum = 0, weight = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows.weight[i] == 0) continue;
    sum += rows.weight[i] * score(rows.y[i], predictions[i]);
    weight += rows.weight[i];
  }
  return sum / weight;
}

const auto kLogDensity = [](double, const Prediction& p) { return p.log_density; };
const auto kSquare = [](double y, const Prediction& p) { return (y - p.mean) * (y - p.mean); };

TEST(Evaluator, LogisticScores) {
  const auto trained = examples::regression("logistic");
  const auto rows = few({1, 0, 1, 1});
  const auto evaluation = evaluate(trained, rows);
  EXPECT_EQ(evaluation.rows, 4);
  EXPECT_EQ(evaluation.score_name, "accuracy");
  EXPECT_NEAR(evaluation.log_density, mean_score(trained, rows, kLogDensity), 1e-14);
  EXPECT_NEAR(evaluation.brier, mean_score(trained, rows, kSquare), 1e-14);
  const auto hit = [](double y, const Prediction& p) { return (p.mean >= 0.5) == (y == 1); };
  EXPECT_NEAR(evaluation.score, mean_score(trained, rows, hit), 1e-14);
  EXPECT_NEAR(evaluation.baseline_score, 1.5 / 3.5, 1e-14);  // always says 1
  EXPECT_NEAR(evaluation.baseline_brier, (1.5 * 0.16 + 2 * 0.36) / 3.5, 1e-14);
  EXPECT_NEAR(evaluation.baseline_log_density, (1.5 * std::log(0.6) + 2 * std::log(0.4)) / 3.5,
              1e-14);
  // Each row falls into a bin of its own, so that the expected calibration error is the mean of
  // |p - y|.
  const auto distance = [](double y, const Prediction& p) { return std::abs(p.mean - y); };
  EXPECT_NEAR(evaluation.calibration_error, mean_score(trained, rows, distance), 1e-14);
}

TEST(Evaluator, PoissonScores) {
  const auto trained = examples::regression("poisson");
  const auto rows = few({0, 3, 1, 9});
  const auto evaluation = evaluate(trained, rows);
  EXPECT_EQ(evaluation.score_name, "deviance");
  EXPECT_NEAR(evaluation.log_density, mean_score(trained, rows, kLogDensity), 1e-14);
  const auto log_likelihood = [](double y, double rate) {
    return (y == 0 ? 0.0 : y * std::log(rate)) - rate;
  };
  const auto deviance = [&](double y, const Prediction& p) {
    return 2 * (log_likelihood(y, y) - log_likelihood(y, p.mean));
  };
  EXPECT_NEAR(evaluation.score, mean_score(trained, rows, deviance), 1e-13);
  const double baseline =
      2 * (1 * (0 + 1.7) + 2 * (3 * std::log(3 / 1.7) - 1.3) + 0.5 * (std::log(1 / 1.7) + 0.7)) /
      3.5;
  EXPECT_NEAR(evaluation.baseline_score, baseline, 1e-13);
  EXPECT_TRUE(std::isnan(evaluation.brier));
}

TEST(Evaluator, NegativeBinomialScores) {
  auto trained = examples::regression("negative-binomial");
  const double r = trained.model.dispersion = 2.2;
  const auto rows = few({0, 3, 1, 9});
  const auto evaluation = evaluate(trained, rows);
  EXPECT_EQ(evaluation.score_name, "deviance");
  const auto log_likelihood = [&](double y, double mean) {
    return (y == 0 ? 0.0 : y * std::log(mean / (mean + r))) - r * std::log(mean + r);
  };
  const auto deviance = [&](double y, const Prediction& p) {
    return 2 * (log_likelihood(y, y) - log_likelihood(y, p.mean));
  };
  EXPECT_NEAR(evaluation.score, mean_score(trained, rows, deviance), 1e-13);
  EXPECT_TRUE(std::isnan(evaluation.brier));
}

TEST(Evaluator, LinearScores) {
  const auto trained = examples::regression("linear");
  const auto rows = few({0.2, -3, 1, 9});
  const auto evaluation = evaluate(trained, rows);
  EXPECT_EQ(evaluation.score_name, "RMSE");
  EXPECT_NEAR(evaluation.log_density, mean_score(trained, rows, kLogDensity), 1e-14);
  EXPECT_NEAR(evaluation.score, std::sqrt(mean_score(trained, rows, kSquare)), 1e-14);
  EXPECT_NEAR(evaluation.baseline_score, std::sqrt((0.16 + 2 * 3.6 * 3.6 + 0.5 * 0.16) / 3.5),
              1e-14);
}

// Bit for bit: 40 shards, some of them without rows, however many ranks carry them.
TEST(Evaluator, ScoresDoNotDependOnTheNumberOfRanks) {
  const auto trained = examples::regression("poisson");
  const auto rows = simulate(trained, 37, 13);
  const auto alone = evaluate(trained, rows);
  std::optional<Evaluation> first;
  for (const int ranks : {1, 2, 3, 7}) {
    std::vector<std::optional<Evaluation>> of(static_cast<std::size_t>(ranks));
    run_on_threads(ranks, [&](Communicator& communicator) {
      Evaluator evaluator(trained, 40);
      const auto mine = shards_of_rank(40, communicator.size(), communicator.rank());
      for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
        evaluator.add(rows.part(even_part(rows.size(), 40, shard)));
        evaluator.end_shard();
      }
      evaluator.reduce(Stream(), communicator);
      of[static_cast<std::size_t>(communicator.rank())] = evaluator.result();
    });
    if (!first) first = of[0];
    for (const auto& together : of) {
      EXPECT_EQ(together->rows, 37);
      EXPECT_EQ(together->log_density, first->log_density);
      EXPECT_EQ(together->score, first->score);
      EXPECT_EQ(together->coverage90, first->coverage90);
      EXPECT_EQ(together->calibration_error, first->calibration_error);
    }
  }
  EXPECT_NEAR(first->log_density, alone.log_density, 1e-13);
  EXPECT_NEAR(first->score, alone.score, 1e-13);
}

TEST(Evaluator, RefusesWhatCannotBeScored) {
  const auto beta = examples::probabilities();
  EXPECT_THROW(Evaluator(beta, 1), Error);
  const auto trained = examples::regression("linear");
  Evaluator evaluator(trained, 1);
  EXPECT_THROW(evaluator.result(), Error);
  auto rows = few({0, 1, 2, 3});
  rows.weight = {0, 0, 0, 0};
  evaluator.add(rows.all());
  EXPECT_THROW(evaluator.reduce(Stream(), *make_self_communicator()), Error) << "no shard ended";
  evaluator.end_shard();
  evaluator.reduce(Stream(), *make_self_communicator());
  EXPECT_THROW(evaluator.result(), Error);
}

}  // namespace
}  // namespace bayesum
