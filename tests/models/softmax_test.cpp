#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/families/family.hpp"
#include "distributed/self.hpp"
#include "kernels/error.hpp"
#include "kernels/random.hpp"
#include "models/evaluation.hpp"
#include "models/prediction.hpp"
#include "models/regression/coefficients.hpp"
#include "tests/models/sparse_rows.hpp"
#include "tests/models/trained_examples.hpp"

namespace bayesum {
namespace {

using examples::kClasses;
using examples::kColumns;

const std::vector<double> kX = {1, 0.3, -1.2, 0.5, 1, -0.7, 0.1,  2.0,
                                1, 0,   0,    0,   1, 3.0,  -2.5, -1.5};
const std::vector<double> kY = {2, 0, 1, 1};

Batch batch(const std::vector<double>& x, const std::vector<double>& y,
            const std::vector<double>& weight = {}) {
  return {{x.data(), x.size() / kColumns, kColumns}, y, {}, weight};
}

std::vector<double> probabilities(const double* x, const std::vector<double>& theta) {
  std::vector<double> p = {1.0};
  for (std::size_t c = 0; c + 1 < kClasses; ++c) {
    double z = 0;
    for (std::size_t j = 0; j < kColumns; ++j) z += x[j] * theta[c * kColumns + j];
    p.push_back(std::exp(z));
  }
  double sum = 0;
  for (const double e : p) sum += e;
  for (double& e : p) e /= sum;
  return p;
}

// Against an average over a hundred thousand draws by the family's own sampler. The tolerance is
// five standard errors of the two together.
TEST(SoftmaxPrediction, AveragesTheProbabilitiesOfTheClasses) {
  constexpr unsigned kDraws = 100000;
  for (const std::string kind : {"full", "diagonal"}) {
    const auto trained = examples::softmax(kind);
    const auto predictions = predict(trained, batch(kX, kY));
    const Block& block = trained.posterior.blocks()[0];
    std::vector<std::vector<double>> sum(kY.size(), std::vector<double>(kClasses)), square = sum;
    std::vector<double> theta(block.family->dimension());
    for (unsigned s = 0; s < kDraws; ++s) {
      block.family->sample(trained.posterior.natural(block), {.seed = 77, .draw = s}, theta);
      for (std::size_t i = 0; i < kY.size(); ++i) {
        const auto p = probabilities(kX.data() + i * kColumns, theta);
        for (std::size_t c = 0; c < kClasses; ++c) sum[i][c] += p[c], square[i][c] += p[c] * p[c];
      }
    }
    for (std::size_t i = 0; i < kY.size(); ++i) {
      double total = 0;
      for (std::size_t c = 0; c < kClasses; ++c) {
        const double mean = sum[i][c] / kDraws;
        const double sd = std::sqrt(square[i][c] / kDraws - mean * mean);
        EXPECT_NEAR(predictions[i].probabilities[c], mean, 5 * sd / 16.0) << i << ", " << c;
        total += predictions[i].probabilities[c];
      }
      EXPECT_NEAR(total, 1.0, 1e-14);
      const auto own = static_cast<std::size_t>(kY[i]);
      EXPECT_NEAR(predictions[i].log_density, std::log(predictions[i].probabilities[own]), 1e-13);
      EXPECT_TRUE(std::isnan(predictions[i].mean));
    }
  }
}

TEST(SoftmaxPrediction, OfARowDoesNotDependOnItsNeighbours) {
  const auto trained = examples::softmax();
  std::vector<double> many, y;
  for (int k = 0; k < 200; ++k) many.insert(many.end(), kX.begin(), kX.end());
  y.resize(many.size() / kColumns);
  const auto together = predict(trained, batch(many, y));
  const auto alone = predict(trained, batch(kX, {}));
  for (std::size_t i = 0; i < together.size(); ++i) {
    for (std::size_t c = 0; c < kClasses; ++c) {
      EXPECT_NEAR(together[i].probabilities[c], alone[i % 4].probabilities[c], 1e-15);
    }
  }
  EXPECT_TRUE(std::isnan(alone[0].log_density));
}

// So many that neither the draws nor the logits of a block of rows are held at once: the average
// that the header promises, over pairs m +- sd eps_k, one class after the other.
TEST(SoftmaxPrediction, OfManyClassesIsTheSameAverage) {
  constexpr std::size_t kMany = 9000, kDimension = (kMany - 1) * kColumns;
  auto trained = examples::softmax("diagonal");
  trained.design.classes.clear();
  for (std::size_t c = 0; c < kMany; ++c) trained.design.classes.push_back(std::to_string(c));
  std::vector<double> mean(kDimension), sd(kDimension), natural;
  for (std::size_t i = 0; i < kDimension; ++i) {
    mean[i] = std::sin(static_cast<double>(i));
    sd[i] = 0.3 + 0.2 * std::cos(static_cast<double>(7 * i));
    natural.insert(natural.end(), {mean[i] / (sd[i] * sd[i]), -0.5 / (sd[i] * sd[i])});
  }
  examples::set_posterior(trained, "coefficients", "diagonal-gaussian", kDimension, natural);
  const auto predictions = predict(trained, batch(kX, {0, 4321, 8999, std::nan("")}));

  std::vector<std::vector<double>> expected(kY.size(), std::vector<double>(kMany));
  std::vector<double> noise(kDimension), e(kMany);
  for (std::uint32_t k = 0; k < 128; ++k) {
    fill_normal(Stream(), {.seed = 0, .draw = k}, 0, noise);
    for (const double sign : {1.0, -1.0}) {
      for (std::size_t i = 0; i < kY.size(); ++i) {
        double sum = e[0] = 1.0;
        for (std::size_t c = 1; c < kMany; ++c) {
          double z = 0;
          for (std::size_t j = 0; j < kColumns; ++j) {
            const std::size_t at = (c - 1) * kColumns + j;
            z += kX[i * kColumns + j] * (mean[at] + sign * sd[at] * noise[at]);
          }
          sum += e[c] = std::exp(z);
        }
        for (std::size_t c = 0; c < kMany; ++c) expected[i][c] += e[c] / sum / 256.0;
      }
    }
  }
  for (std::size_t i = 0; i < kY.size(); ++i) {
    for (std::size_t c = 0; c < kMany; ++c) {
      const double p = predictions[i].probabilities[c];
      ASSERT_NEAR(p, expected[i][c], 1e-11 * expected[i][c]) << i << ", " << c;
    }
  }
  EXPECT_NEAR(predictions[1].log_density, std::log(expected[1][4321]), 1e-11);
  EXPECT_NEAR(predictions[2].log_density, std::log(expected[2][8999]), 1e-11);
  EXPECT_TRUE(std::isnan(predictions[3].log_density)) << "of a row whose class is not known";
}

TEST(SoftmaxPrediction, OfTheBaselineAreTheFrequencies) {
  auto trained = examples::softmax();
  const auto known = predict_baseline(trained, batch(kX, kY));
  EXPECT_NEAR(known[0].probabilities[1], 450.1 / 1200.1, 1e-15);
  EXPECT_NEAR(known[0].log_density, std::log(150.0 / 1200.1), 1e-14);
  trained.summary.class_weight = {};
  EXPECT_NEAR(predict_baseline(trained, batch(kX, kY))[3].probabilities[0], 1.0 / 3.0, 1e-15);
}

TEST(SoftmaxEvaluation, ScoresClasses) {
  const auto trained = examples::softmax();
  const std::vector<double> weight = {1, 2, 0.5, 1.5};
  const Batch rows = batch(kX, kY, weight);
  Evaluator evaluator(trained, 1);
  evaluator.add(rows);
  evaluator.end_shard();
  evaluator.reduce(Stream(), *make_self_communicator());
  const auto evaluation = evaluator.result();

  const auto predictions = predict(trained, rows);
  double log_density = 0, accuracy = 0, brier = 0, baseline_brier = 0;
  for (std::size_t i = 0; i < kY.size(); ++i) {
    const auto& p = predictions[i].probabilities;
    const double share = weight[i] / 5.0;
    log_density += share * std::log(p[static_cast<std::size_t>(kY[i])]);
    const auto best = std::max_element(p.begin(), p.end()) - p.begin();
    if (static_cast<double>(best) == kY[i]) accuracy += share;
    for (std::size_t c = 0; c < kClasses; ++c) {
      const double is = static_cast<double>(c) == kY[i] ? 1.0 : 0.0;
      brier += share * (p[c] - is) * (p[c] - is);
      const double frequency = trained.summary.class_weight[c] / 1200.1;
      baseline_brier += share * (frequency - is) * (frequency - is);
    }
  }
  EXPECT_EQ(evaluation.score_name, "accuracy");
  EXPECT_NEAR(evaluation.log_density, log_density, 1e-14);
  EXPECT_NEAR(evaluation.score, accuracy, 1e-14);
  EXPECT_NEAR(evaluation.baseline_score, 2.0 / 5.0, 1e-14) << "always says the first class";
  EXPECT_NEAR(evaluation.brier, brier, 1e-14);
  EXPECT_NEAR(evaluation.baseline_brier, baseline_brier, 1e-14);
  EXPECT_TRUE(std::isnan(evaluation.coverage90)) << "classes have no intervals";
}

// Responses drawn from the model itself: what it is sure of comes as often as it says.
TEST(SoftmaxEvaluation, ACalibratedModelIsSeenToBeOne) {
  const auto trained = examples::softmax();
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> x, y;
  const Block& block = trained.posterior.blocks()[0];
  std::vector<double> theta(block.family->dimension());
  for (unsigned i = 0; i < 20000; ++i) {
    x.push_back(1.0);
    for (int j = 0; j < 3; ++j) x.push_back(2.0 * normal(random));
    block.family->sample(trained.posterior.natural(block), {.seed = 5, .draw = i}, theta);
    const auto p = probabilities(x.data() + i * kColumns, theta);
    y.push_back(std::discrete_distribution<int>(p.begin(), p.end())(random));
  }
  Evaluator evaluator(trained, 1);
  evaluator.add(batch(x, y));
  evaluator.end_shard();
  evaluator.reduce(Stream(), *make_self_communicator());
  const auto evaluation = evaluator.result();
  EXPECT_LT(evaluation.calibration_error, 0.02);
  EXPECT_GT(evaluation.log_density, evaluation.baseline_log_density);
}

TEST(SoftmaxCoefficients, AreNamedByClassAndColumn) {
  const auto trained = examples::softmax();
  const auto table = coefficients(trained);
  ASSERT_EQ(table.size(), (kClasses - 1) * kColumns);
  EXPECT_EQ(table[0].name, "dog, small:intercept");
  EXPECT_EQ(table[1].name, "dog, small:age");
  EXPECT_EQ(table[4].name, "owl:intercept");
  const auto q = examples::softmax_moments();
  const Design& design = trained.design;
  double intercept = q.mean[4];
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(table[5 + j].mean, q.mean[5 + j] / design.sd[j], 1e-12);
    intercept -= q.mean[5 + j] * design.mean[j] / design.sd[j];
  }
  EXPECT_NEAR(table[4].mean, intercept, 1e-12);
}

TEST(SoftmaxFile, KeepsTheClasses) {
  for (const std::string kind : {"full", "diagonal"}) {
    const auto trained = examples::softmax(kind);
    const auto back = TrainedModel::from_file(trained.to_file());
    EXPECT_EQ(back.design.classes, trained.design.classes);
    EXPECT_EQ(back.summary.class_weight, trained.summary.class_weight);
    EXPECT_TRUE(std::ranges::equal(back.posterior.natural(), trained.posterior.natural()));
  }
}

TEST(SoftmaxModel, LogLikelihoodIsTheSumOverRowsAtEachDraw) {
  const auto trained = examples::softmax();
  const auto model =
      make_model(trained.model, trained.prior_config, trained.design, trained.summary);
  const std::vector<double> draws = {0.1, -0.5, 0.4, 1.0, -1.0, 0.2, 0.0, -0.3,
                                     0,   0,    0,   0,   0.7,  0.1, 0.2, -0.9};
  std::vector<double> sums(2, 0.25), expected(2, 0.25);
  for (std::size_t s = 0; s < 2; ++s) {
    for (std::size_t i = 0; i < kY.size(); ++i) {
      const std::vector<double> theta(draws.begin() + 8 * s, draws.begin() + 8 * (s + 1));
      const auto p = probabilities(kX.data() + i * kColumns, theta);
      expected[s] += std::log(p[static_cast<std::size_t>(kY[i])]);
    }
  }
  model->log_likelihood(batch(kX, kY), {draws.data(), 2, 8}, sums);
  EXPECT_NEAR(sums[0], expected[0], 1e-13);
  EXPECT_NEAR(sums[1], expected[1], 1e-13);
}

TEST(SoftmaxModel, RefusesWhatItCannotUse) {
  auto trained = examples::softmax();
  const auto make = [&] {
    return make_model(trained.model, trained.prior_config, trained.design, trained.summary);
  };
  const auto model = make();
  Message message(trained.posterior.size(), Device{});
  model->prepare(Stream(), trained.posterior);
  const std::vector<double> offset(4, 0.1), other = {0, 1, 3, 2};
  Batch rows = batch(kX, kY);
  rows.offset = offset;
  EXPECT_THROW(model->accumulate(Stream(), rows, message), Error);
  EXPECT_THROW(model->accumulate(Stream(), batch(kX, other), message), Error) << "a fourth class";
  trained.model.draws = 31;
  EXPECT_THROW(make(), Error) << "draws come in pairs";
  trained.model.draws = 32;
  trained.design.classes = {"one"};
  EXPECT_THROW(make(), Error) << "one class alone";
}

}  // namespace
}  // namespace bayesum
