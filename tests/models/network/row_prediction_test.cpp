#include "models/network/row_prediction.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "kernels/error.hpp"
#include "models/network/mlp.hpp"
#include "tests/core/files.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

constexpr std::size_t kRows = 300, kFeatures = 3, kDraws = 5;  // more rows than one batch
constexpr std::uint64_t kSeed = 4;

double below(const std::vector<double>& means, const std::vector<double>& sds, double y) {
  double sum = 0;
  for (std::size_t s = 0; s < means.size(); ++s) {
    sum += 0.5 * std::erfc((means[s] - y) / (sds[s] * std::numbers::sqrt2));
  }
  return sum / static_cast<double>(means.size());
}

TEST(GaussianMixture, OfOneIsTheGaussian) {
  const std::vector<double> mean{2.0}, sd{0.5};
  const Prediction p = gaussian_mixture_prediction(mean, sd, 2.5);
  EXPECT_EQ(p.mean, 2.0);
  EXPECT_EQ(p.sd, 0.5);
  EXPECT_NEAR(p.low, 2.0 - 0.5 * 1.6448536269514722, 1e-14);
  EXPECT_NEAR(p.high, 2.0 + 0.5 * 1.6448536269514722, 1e-14);
  EXPECT_NEAR(p.log_density, -0.5 - std::log(0.5 * std::sqrt(2 * std::numbers::pi)), 1e-14);
  EXPECT_NEAR(p.cdf, 0.8413447460685429, 1e-14);
}

TEST(GaussianMixture, HasMomentsAndQuantiles) {
  const std::vector<double> means{-3, 0.5, 0.6, 20}, sds{0.1, 2, 1e-3, 0.5};
  const Prediction p = gaussian_mixture_prediction(means, sds, 0.7);
  double mean = 0, square = 0, density = 0;
  for (std::size_t s = 0; s < means.size(); ++s) {
    const double z = (0.7 - means[s]) / sds[s];
    mean += means[s] / 4;
    square += (means[s] * means[s] + sds[s] * sds[s]) / 4;
    density += std::exp(-0.5 * z * z) / sds[s] / 4 / std::sqrt(2 * std::numbers::pi);
  }
  EXPECT_NEAR(p.mean, mean, 1e-13);
  EXPECT_NEAR(p.sd, std::sqrt(square - mean * mean), 1e-12);
  EXPECT_NEAR(below(means, sds, p.low), 0.05, 1e-12);
  EXPECT_NEAR(below(means, sds, p.high), 0.95, 1e-12);
  EXPECT_NEAR(p.log_density, std::log(density), 1e-12);
  // Far out the widest component is all that is left.
  const double z = (1000 - 0.5) / 2;
  EXPECT_NEAR(gaussian_mixture_prediction(means, sds, 1000.0).log_density,
              -0.5 * z * z - std::log(4 * 2 * std::sqrt(2 * std::numbers::pi)), 1e-9);
  EXPECT_TRUE(std::isnan(gaussian_mixture_prediction(means, sds, std::nullopt).log_density));
}

// Rows, every fourth without a label or number.
RowExamples rows_of(std::size_t classes) {
  Rows rows{.count = kRows, .features = kFeatures};
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  for (std::size_t i = 0; i < kRows * kFeatures; ++i) rows.x.push_back(normal(generator));
  RowDesign design{.features = {"a", "b", "c"},
                   .mean = std::vector<double>(kFeatures),
                   .sd = std::vector<double>(kFeatures, 1.0),
                   .response_mean = classes > 0 ? 0.0 : 10.0,
                   .response_sd = classes > 0 ? 1.0 : 4.0};
  for (std::size_t c = 0; c < classes; ++c) design.classes.push_back(std::to_string(c));
  for (std::size_t i = 0; i < kRows; ++i) {
    const bool known = i % 4 != 0;
    if (classes > 0) {
      rows.labels.push_back(known ? static_cast<std::int32_t>(i % classes) : kNoTarget);
    } else {
      rows.response.push_back(known ? normal(generator) : std::nanf(""));
    }
  }
  return {std::move(rows), std::move(design)};
}

struct Posterior {
  explicit Posterior(Network& network)
      : mean(random_theta(network.parameters(), 0.8)), sd(mean.size(), 0.3f) {}

  std::vector<float> mean, sd;
  std::unique_ptr<WeightRule> rule = make_kept_rule("ivon");
  WeightDraws draws{*rule, mean, sd, kDraws, kSeed};
};

RowPredictions all_of(RowPredictor& predictor) {
  RowPredictions all;
  for (std::size_t first = 0; first < kRows; first += predictor.rows()) {
    const RowPredictions part = predictor.predict(first, std::min(predictor.rows(), kRows - first));
    all.at_mean.insert(all.at_mean.end(), part.at_mean.begin(), part.at_mean.end());
    all.averaged.insert(all.averaged.end(), part.averaged.begin(), part.averaged.end());
  }
  return all;
}

// What each of the draws, and behind them the mean, says of all rows.
std::vector<std::vector<float>> said_by_each(Network& network, Posterior& posterior,
                                             const Examples& examples) {
  ExampleFeed feed(examples, kRows, Device());
  const ExampleBatch batch = feed.fetch_in_order(Stream(), 0, kRows);
  std::vector<std::vector<float>> said;
  for (std::size_t s = 0; s < kDraws; ++s) {
    said.push_back(predict(network, posterior.draws.theta(Stream(), s).values, batch));
  }
  said.push_back(predict(network, posterior.mean, batch));
  return said;
}

TEST(RowPrediction, AveragesProbabilitiesOfClasses) {
  constexpr std::size_t kClasses = 4;
  Mlp network({.features = kFeatures, .classes = kClasses, .hidden = {6}});
  const RowExamples examples = rows_of(kClasses);
  Posterior posterior(network);
  const Stream stream;
  RowPredictor predictor(stream, network, posterior.draws, examples, examples.design());
  ASSERT_LT(predictor.rows(), kRows);
  const RowPredictions found = all_of(predictor);
  const auto said = said_by_each(network, posterior, examples);
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t c = 0; c < kClasses; ++c) {
      double average = 0;
      for (std::size_t s = 0; s < kDraws; ++s) {
        average += std::exp(double{said[s][row * kClasses + c]}) / kDraws;
      }
      ASSERT_NEAR(found.averaged[row].probabilities[c], average, 1e-6);
      ASSERT_NEAR(found.at_mean[row].probabilities[c],
                  std::exp(double{said[kDraws][row * kClasses + c]}), 1e-6);
    }
    if (row % 4 == 0) {
      ASSERT_TRUE(std::isnan(found.averaged[row].log_density));
    } else {
      ASSERT_NEAR(found.averaged[row].log_density,
                  std::log(found.averaged[row].probabilities[row % kClasses]), 1e-6);
    }
  }
}

TEST(RowPrediction, MixesTheNumbersOfDrawsInTheUnitsOfTheFile) {
  Mlp network({.features = kFeatures, .classes = 0, .responses = 1, .hidden = {6}});
  const RowExamples examples = rows_of(0);
  Posterior posterior(network);
  const Stream stream;
  RowPredictor predictor(stream, network, posterior.draws, examples, examples.design());
  const RowPredictions found = all_of(predictor);
  const auto said = said_by_each(network, posterior, examples);
  ExampleFeed feed(examples, kRows, Device());
  const ExampleBatch batch = feed.fetch_in_order(Stream(), 0, kRows);
  for (std::size_t row = 0; row < kRows; ++row) {
    std::vector<double> means, sds;
    double mean = 0, square = 0;
    for (std::size_t s = 0; s < kDraws; ++s) {
      means.push_back(10 + 4 * double{said[s][2 * row]});
      sds.push_back(4 / std::sqrt(std::exp(double{said[s][2 * row + 1]})));
      mean += means[s] / kDraws;
      square += (means[s] * means[s] + sds[s] * sds[s]) / kDraws;
    }
    const Prediction& p = found.averaged[row];
    ASSERT_NEAR(p.mean, mean, 1e-4);
    ASSERT_NEAR(p.sd, std::sqrt(square - mean * mean), 1e-4);
    ASSERT_NEAR(below(means, sds, p.low), 0.05, 1e-5);
    ASSERT_NEAR(below(means, sds, p.high), 0.95, 1e-5);
    ASSERT_NEAR(found.at_mean[row].mean, 10 + 4 * double{said[kDraws][2 * row]}, 1e-4);
    ASSERT_EQ(std::isnan(p.log_density), row % 4 == 0);
    if (row % 4 == 0) continue;
    const double y = 10 + 4 * double{batch.response.data[row]};
    double density = 0;
    for (std::size_t s = 0; s < kDraws; ++s) {
      const double z = (y - means[s]) / sds[s];
      density += std::exp(-0.5 * z * z) / (sds[s] * std::sqrt(2 * std::numbers::pi) * kDraws);
    }
    ASSERT_NEAR(p.log_density, std::log(density), 1e-4 * std::max(1.0, std::abs(p.log_density)));
  }
}

}  // namespace
}  // namespace bayesum::test
