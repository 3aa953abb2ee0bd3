#include "core/importance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <sstream>

#include "core/psis.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

constexpr double kLogTwoPi = 1.8378770664093454836;

// y_i ~ N(theta_1, 1) and nothing else: theta_2, of a block of its own, has only its prior.
class MeanModel final : public Model {
 public:
  std::string name() const override { return "mean"; }
  Support support() const override { return Support::kReal; }
  Chart chart() const override { return Chart::kNatural; }
  Conjugacy conjugacy() const override { return Conjugacy::kFull; }
  Posterior initial_posterior() const override { return {}; }
  void prepare(const Stream&, const Posterior&) override {}
  void accumulate(const Stream&, const Batch&, Message&) override {}
  void log_likelihood(const Batch& batch, MatrixView<const double> draws,
                      std::span<double> sums) const override {
    for (std::size_t s = 0; s < draws.rows; ++s) {
      for (const double y : batch.y) {
        const double error = y - draws.data[s * draws.stride];
        sums[s] -= 0.5 * (error * error + kLogTwoPi);
      }
    }
  }
};

// N(mean, sd^2) for each block.
Posterior gaussians(double mean, double sd, double other_mean, double other_sd) {
  Posterior q;
  q.add_block("mean", make_family("gaussian", 1));
  q.add_block("other", make_family("diagonal-gaussian", 1));
  const auto set = [&](std::size_t i, double m, double v) {
    q.natural()[i] = m / v;
    q.natural()[i + 1] = -0.5 / v;
  };
  set(0, mean, sd * sd);
  set(2, other_mean, other_sd * other_sd);
  return q;
}

constexpr std::size_t kRows = 40;

struct Table {
  TemporaryFolder folder;
  DataConfig config;
  double sum = 0, squares = 0;

  Table() {
    std::mt19937 random(5);
    std::normal_distribution<double> normal(0.7, 1.0);
    std::ostringstream text;
    text.precision(17);
    text << "y,x\n";
    for (std::size_t i = 0; i < kRows; ++i) {
      const double y = normal(random);
      sum += y;
      squares += y * y;
      text << y << ",0\n";
    }
    config.path = folder.file("rows.csv", text.str()).string();
    config.response = "y";
    config.virtual_shards = 5;
  }
};

// Of the model with the prior N(0, 1) for both, on so many ranks.
std::vector<double> ratios(const Table& table, const Posterior& q, int ranks, std::size_t draws) {
  std::vector<double> result;
  run_on_threads(ranks, [&](Communicator& communicator) {
    Dataset data(table.config, Support::kReal);
    data.set_design({.features = {"x"}, .mean = {0}, .sd = {1}});
    MeanModel model;
    const Posterior prior = gaussians(0, 1, 0, 1);
    model.set_prior({.natural = {prior.natural().begin(), prior.natural().end()},
                     .log_partition = prior.log_partition()});
    auto mine = log_importance_ratios(Stream(), communicator, data, model, q, draws, 3);
    if (communicator.rank() == 0) {
      result = mine;
    } else {
      EXPECT_TRUE(mine.empty());
    }
  });
  return result;
}

Posterior exact(const Table& table, double narrower = 1.0) {
  const double precision = kRows + 1.0;
  return gaussians(table.sum / precision, narrower / std::sqrt(precision), 0.0, narrower);
}

// p(data, theta) / p(theta | data) is p(data), whatever theta: the evidence of n normal responses
// whose mean is N(0, 1).
TEST(Importance, RatiosOfTheExactPosteriorAreTheEvidence) {
  const Table table;
  const double n = kRows;
  const double evidence = -0.5 * (n * kLogTwoPi + std::log(n + 1.0) + table.squares -
                                  table.sum * table.sum / (n + 1.0));
  const auto log_ratios = ratios(table, exact(table), 1, 50);
  ASSERT_EQ(log_ratios.size(), 50u);
  for (const double x : log_ratios) EXPECT_NEAR(x, evidence, 1e-9);
  EXPECT_EQ(smooth_importance_ratios(log_ratios).k_hat, -std::numeric_limits<double>::infinity());
}

// Both blocks are too narrow by s: a Gaussian of two dimensions, k = 1 - s^2 (psis_test.cpp).
TEST(Importance, ATooNarrowPosteriorHasItsTail) {
  const Table table;
  for (const double s : {0.8, 0.4}) {
    const Psis psis = smooth_importance_ratios(ratios(table, exact(table, s), 1, 20000));
    const double k = 1.0 - s * s;
    EXPECT_NEAR(psis.k_hat, k, 4.0 * (1.0 + k) / std::sqrt(3.0 * std::sqrt(20000.0)));
    EXPECT_EQ(psis.reliable(), s == 0.8);
  }
}

TEST(Importance, TheNumberOfRanksChangesNoBit) {
  const Table table;
  const auto alone = ratios(table, exact(table, 0.7), 1, 30);
  for (const int ranks : {2, 3, 7}) EXPECT_EQ(ratios(table, exact(table, 0.7), ranks, 30), alone);
}

TEST(Importance, AModelWithoutLikelihoodIsRefusedOnEveryRank) {
  class Without final : public Model {
    std::string name() const override { return "without"; }
    Support support() const override { return Support::kReal; }
    Chart chart() const override { return Chart::kNatural; }
    Conjugacy conjugacy() const override { return Conjugacy::kFull; }
    Posterior initial_posterior() const override { return {}; }
    void prepare(const Stream&, const Posterior&) override {}
    void accumulate(const Stream&, const Batch&, Message&) override {}
  };
  const Table table;
  run_on_threads(2, [&](Communicator& communicator) {
    Dataset data(table.config, Support::kReal);
    data.set_design({.features = {"x"}, .mean = {0}, .sd = {1}});
    const std::string said = error_of(ExitCode::kUsage, [&] {
      log_importance_ratios(Stream(), communicator, data, Without(), exact(table), 30, 3);
    });
    EXPECT_NE(said.find("without has no closed form"), std::string::npos) << said;
  });
}

TEST(PosteriorDraws, ArePureAndOfTheirOwnNoiseInEveryBlock) {
  const Posterior q = gaussians(0, 1, 0, 1);
  ASSERT_EQ(q.dimension(), 2u);
  std::set<double> seen;
  double product = 0;
  for (std::uint32_t draw = 0; draw < 2000; ++draw) {
    std::vector<double> theta(2), again(2);
    q.sample({.seed = 9, .step = 1, .draw = draw}, theta);
    q.sample({.seed = 9, .step = 1, .draw = draw}, again);
    EXPECT_EQ(theta, again);
    seen.insert(theta.begin(), theta.end());
    product += theta[0] * theta[1];
  }
  EXPECT_EQ(seen.size(), 4000u);
  EXPECT_LT(std::abs(product / 2000), 4.0 / std::sqrt(2000.0));
}

TEST(PosteriorDraws, HaveTheDensityOfTheirBlocks) {
  const Posterior q = gaussians(0.3, 0.5, -2.0, 3.0);
  const auto log_normal = [](double x, double mean, double sd) {
    const double z = (x - mean) / sd;
    return -0.5 * z * z - std::log(sd) - 0.5 * kLogTwoPi;
  };
  const std::vector<double> theta = {0.9, 1.5};
  EXPECT_NEAR(q.log_density(theta), log_normal(0.9, 0.3, 0.5) + log_normal(1.5, -2.0, 3.0), 1e-12);
}

}  // namespace
}  // namespace bayesum
