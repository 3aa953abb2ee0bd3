#include "launch/predictive_check.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <sstream>

#include "models/prediction.hpp"
#include "tests/core/files.hpp"
#include "tests/models/trained_examples.hpp"

namespace bayesum {
namespace {

OtherData rows_of(const std::filesystem::path& path) {
  OtherData rows;
  rows.path = path;
  return rows;
}

using testing::TemporaryFolder;

constexpr std::size_t kRows = 60;

// A model of examples::regression with plain columns, and a table for it.
struct Case {
  TemporaryFolder folder;
  TrainedModel trained;
  std::vector<double> x, y, weight;
  std::filesystem::path table;

  explicit Case(const std::string& model) : trained(examples::regression(model)) {
    trained.design.features = {"a", "b", "c"};
    trained.design.mean = {0, 0, 0};
    trained.design.sd = {1, 1, 1};
    trained.columns.offset = "";
    trained.columns.weight = "w";
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    std::ostringstream text;
    text.precision(17);
    text << "a,b,c,visits,w\n";
    for (std::size_t i = 0; i < kRows; ++i) {
      x.push_back(1.0);
      for (int j = 0; j < 3; ++j) {
        x.push_back(normal(random));
        text << x.back() << ",";
      }
      y.push_back(model == "linear"     ? 3.0 * normal(random)
                  : model == "logistic" ? static_cast<double>(random() % 2)
                                        : static_cast<double>(random() % 6));
      weight.push_back(static_cast<double>(random() % 3));
      text << y.back() << "," << weight.back() << "\n";
    }
    table = folder.file("rows.csv", text.str());
  }

  // What the model says of every row when its response is `response`.
  std::vector<Prediction> predictions(double response) const {
    const std::vector<double> same(kRows, response);
    return predict(trained, {.x = {x.data(), kRows, 4}, .y = same, .offset = {}, .weight = {}});
  }

  // Weighted mean over the rows.
  template <class Value>
  double mean(const Value& value) const {
    double sum = 0, weights = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      sum += weight[i] * value(i);
      weights += weight[i];
    }
    return sum / weights;
  }
};

TEST(PredictiveCheck, SharesOfCountsAreSumsOfTheirProbabilities) {
  const Case of("poisson");
  const auto check = check_predictions(of.trained, rows_of(of.table), kRows);
  ASSERT_TRUE(check && check->whole_numbers && check->outcomes.empty());
  ASSERT_EQ(check->bins.size(), 7u);  // 0 to 5, and 6 or more
  EXPECT_EQ(check->rows, kRows);
  double rest = 1.0;
  for (std::size_t k = 0; k < 6; ++k) {
    const auto predictions = of.predictions(static_cast<double>(k));
    const double share =
        of.mean([&](std::size_t i) { return std::exp(predictions[i].log_density); });
    EXPECT_NEAR(check->bins[k].predicted, share, 1e-9);
    EXPECT_NEAR(check->bins[k].observed, of.mean([&](std::size_t i) {
      return of.y[i] == static_cast<double>(k) ? 1.0 : 0.0;
    }),
                1e-12);
    rest -= share;
  }
  EXPECT_NEAR(check->bins[6].predicted, rest, 1e-9);
  EXPECT_EQ(check->bins[6].observed, 0.0);
}

TEST(PredictiveCheck, SharesOfNumbersAreIntegralsOfTheirDensity) {
  const Case of("linear");
  const auto check = check_predictions(of.trained, rows_of(of.table), kRows);
  ASSERT_TRUE(check && !check->whole_numbers);
  double observed = 0;
  for (const auto& bin : check->bins) {
    observed += bin.observed;
    constexpr int kPoints = 40;
    double integral = 0;
    for (int p = 0; p < kPoints; ++p) {
      const double width = (bin.high - bin.low) / kPoints;
      const auto predictions = of.predictions(bin.low + (p + 0.5) * width);
      integral +=
          width * of.mean([&](std::size_t i) { return std::exp(predictions[i].log_density); });
    }
    EXPECT_NEAR(bin.predicted, integral, 1e-5);
  }
  EXPECT_NEAR(observed, 1.0, 1e-12);
}

TEST(PredictiveCheck, OutcomesAreCountedByTheirPredictedProbability) {
  const Case of("logistic");
  const auto check = check_predictions(of.trained, rows_of(of.table), kRows);
  ASSERT_TRUE(check && check->bins.empty());
  const auto predictions = of.predictions(1.0);
  for (const auto& bin : check->outcomes) {
    const auto share = [&](double outcome) {
      const auto in_outcome = [&](std::size_t i) { return of.y[i] == outcome ? 1.0 : 0.0; };
      return of.mean([&](std::size_t i) {
        const double p = predictions[i].mean;
        return p >= bin.low && p < bin.high ? in_outcome(i) : 0.0;
      }) / of.mean(in_outcome);
    };
    EXPECT_NEAR(bin.zeros, share(0.0), 1e-12);
    EXPECT_NEAR(bin.ones, share(1.0), 1e-12);
  }
}

TEST(PredictiveCheck, LooksAtAboutAThousandRowsOfMany) {
  Case of("logistic");
  std::ostringstream text;
  text << "a,b,c,visits,w\n";
  for (int i = 0; i < 5500; ++i) text << "0.1,0.2,0.3," << i % 2 << ",1\n";
  const auto check =
      check_predictions(of.trained, rows_of(of.folder.file("many.csv", text.str())), 5500);
  ASSERT_TRUE(check);
  EXPECT_EQ(check->rows, 917u);  // every sixth
}

}  // namespace
}  // namespace bayesum
