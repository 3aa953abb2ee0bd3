#include "models/network/network_evaluation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <numbers>
#include <optional>

#include "core/examples/token_examples.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "models/network/gpt2.hpp"
#include "models/network/mlp.hpp"
#include "models/network/paired_bootstrap.hpp"
#include "tests/core/files.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

constexpr std::size_t kFeatures = 4, kClasses = 3, kDraws = 5, kCount = 700;
constexpr std::uint64_t kSeed = 11;

std::vector<float> normals(std::size_t size, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> x(size);
  for (float& value : x) value = normal(generator);
  return x;
}

RowDesign design_of(std::size_t classes) {
  RowDesign design;
  for (std::size_t j = 0; j < kFeatures; ++j) design.features.push_back("x" + std::to_string(j));
  design.mean.assign(kFeatures, 0.0);
  design.sd.assign(kFeatures, 1.0);
  for (std::size_t c = 0; c < classes; ++c) design.classes.push_back(std::to_string(c));
  return design;
}

// Some of the labels are none.
RowExamples labelled_rows(bool some_without = false) {
  Rows rows{.count = kCount, .features = kFeatures, .x = normals(kCount * kFeatures, 1)};
  std::mt19937 generator(2);
  for (std::size_t i = 0; i < kCount; ++i) {
    rows.labels.push_back(
        some_without && i % 5 == 0 ? kNoTarget : static_cast<std::int32_t>(generator() % kClasses));
  }
  return {std::move(rows), design_of(kClasses)};
}

// A posterior over the weights of a network, and rank after rank what its evaluation says.
struct Case {
  explicit Case(Network& of, double sd_of_all)
      : network(of),
        mean(random_theta(of.parameters(), 0.8)),
        sd(of.parameters().size(), static_cast<float>(sd_of_all)) {}

  NetworkEvaluation evaluate(const Examples& examples, const RowDesign& design, Communicator& ranks,
                             std::size_t draws = kDraws) const {
    const auto rule = make_kept_rule("ivon");
    WeightDraws weights(*rule, mean, sd, draws, kSeed);
    const Predictor predictor{&network, &weights};
    return evaluate_network(Stream(), ranks, {&predictor, 1}, examples, design, kSeed);
  }
  NetworkEvaluation evaluate(const Examples& examples, const RowDesign& design,
                             std::size_t draws = kDraws) const {
    const auto alone = make_self_communicator();
    return evaluate(examples, design, *alone, draws);
  }
  // By the formula, from the noise alone.
  std::vector<float> theta(std::size_t s) const {
    std::vector<float> eps(mean.size());
    fill_normal(Stream(), noise_after_training(kSeed, static_cast<std::uint32_t>(s)), 0,
                std::span<float>(eps));
    for (std::size_t i = 0; i < eps.size(); ++i) eps[i] = mean[i] + sd[i] * eps[i];
    return eps;
  }

  Network& network;
  std::vector<float> mean;
  std::vector<float> sd;
};

Mlp classifier() { return Mlp({.features = kFeatures, .classes = kClasses, .hidden = {8}}); }

// What is predicted of every row, in float64.
using Probabilities = std::vector<std::vector<double>>;

Probabilities probabilities_at(Network& network, std::span<const float> theta,
                               const Examples& examples) {
  ExampleFeed feed(examples, kCount, Device());
  const auto out = predict(network, theta, feed.fetch_in_order(Stream(), 0, kCount));
  Probabilities all(kCount);
  for (std::size_t i = 0; i < out.size(); ++i) {
    all[i / kClasses].push_back(std::exp(double{out[i]}));
  }
  return all;
}

double entropy_of(const std::vector<double>& p) {
  double entropy = 0;
  for (const double x : p) entropy -= x * std::log(x);
  return entropy;
}

struct Naive {
  double nll = 0, accuracy = 0, ece = 0, brier = 0, entropy = 0, counted = 0;
};

Naive naive_scores(const Probabilities& all, const std::vector<std::int32_t>& labels) {
  Naive naive;
  std::map<int, std::array<double, 3>> bins;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (labels[i] == kNoTarget) continue;
    const auto& p = all[i];
    const auto label = static_cast<std::size_t>(labels[i]);
    const std::size_t best = static_cast<std::size_t>(std::ranges::max_element(p) - p.begin());
    naive.counted += 1;
    naive.nll -= std::log(p[label]);
    naive.accuracy += best == label ? 1 : 0;
    naive.entropy += entropy_of(p);
    for (std::size_t c = 0; c < p.size(); ++c) {
      naive.brier += std::pow(p[c] - (c == label ? 1.0 : 0.0), 2);
    }
    int bin = 0;
    while (p[best] > (bin + 1) / 15.0) ++bin;
    bins[bin][0] += 1;
    bins[bin][1] += p[best];
    bins[bin][2] += best == label ? 1 : 0;
  }
  for (const auto& [bin, of] : bins) {
    naive.ece += of[0] / naive.counted * std::abs(of[2] / of[0] - of[1] / of[0]);
  }
  for (double* sum : {&naive.nll, &naive.accuracy, &naive.brier, &naive.entropy}) {
    *sum /= naive.counted;
  }
  return naive;
}

void expect_scores(const NetworkScores& scores, const Naive& naive) {
  EXPECT_NEAR(scores.nll, naive.nll, 1e-10);
  EXPECT_NEAR(scores.accuracy, naive.accuracy, 1e-12);
  EXPECT_NEAR(scores.ece, naive.ece, 1e-10);
  EXPECT_NEAR(scores.brier, naive.brier, 1e-10);
  EXPECT_NEAR(scores.entropy, naive.entropy, 1e-10);
}

TEST(NetworkEvaluation, IsWhatTheDefinitionsSay) {
  Mlp network = classifier();
  const Case posterior(network, 0.4);
  const RowExamples examples = labelled_rows(true);
  std::vector<std::int32_t> labels(kCount);
  std::vector<float> features(kCount * kFeatures);
  examples.fetch_in_order(0, kCount, {.features = features, .labels = labels});

  Probabilities average(kCount, std::vector<double>(kClasses));
  std::vector<double> mean_entropy(kCount);
  for (std::size_t s = 0; s < kDraws; ++s) {
    const auto all = probabilities_at(network, posterior.theta(s), examples);
    for (std::size_t i = 0; i < kCount; ++i) {
      mean_entropy[i] += entropy_of(all[i]) / kDraws;
      for (std::size_t c = 0; c < kClasses; ++c) average[i][c] += all[i][c] / kDraws;
    }
  }
  const NetworkEvaluation found = posterior.evaluate(examples, design_of(kClasses));
  const Naive averaged = naive_scores(average, labels);
  expect_scores(found.mean,
                naive_scores(probabilities_at(network, posterior.mean, examples), labels));
  expect_scores(found.averaged, averaged);
  EXPECT_EQ(found.targets, averaged.counted);
  double aleatoric = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (labels[i] != kNoTarget) aleatoric += mean_entropy[i] / averaged.counted;
    EXPECT_NEAR(found.at_average.entropy[i], entropy_of(average[i]), 1e-10);
    EXPECT_NEAR(found.at_average.confidence[i], std::ranges::max(average[i]), 1e-10);
  }
  EXPECT_NEAR(found.aleatoric, aleatoric, 1e-10);
  EXPECT_NEAR(found.aleatoric + found.epistemic, averaged.entropy, 1e-10);
  EXPECT_GT(found.epistemic, 0.01);
  EXPECT_LT(found.nll.low, found.nll.value);
  EXPECT_GT(found.nll.high, found.nll.value);
}

TEST(NetworkEvaluation, WithoutUncertaintyTheAverageIsTheMean) {
  Mlp network = classifier();
  const NetworkEvaluation found =
      Case(network, 0.0).evaluate(labelled_rows(), design_of(kClasses), 7);
  EXPECT_EQ(found.averaged.nll, found.mean.nll);
  EXPECT_EQ(found.averaged.ece, found.mean.ece);
  EXPECT_EQ(found.averaged.brier, found.mean.brier);
  EXPECT_EQ(found.averaged.entropy, found.mean.entropy);
  EXPECT_EQ(found.nll.low, 0.0);
  EXPECT_EQ(found.nll.high, 0.0);
  EXPECT_NEAR(found.epistemic, 0.0, 1e-12);
}

void expect_equal(const NetworkScores& a, const NetworkScores& b) {
  for (const auto& [x, y] : {std::pair(a.nll, b.nll),
                             {a.accuracy, b.accuracy},
                             {a.ece, b.ece},
                             {a.brier, b.brier},
                             {a.entropy, b.entropy},
                             {a.rmse, b.rmse}}) {
    EXPECT_EQ(x, y);
  }
}

TEST(NetworkEvaluation, AnyNumberOfRanksGivesTheSameBits) {
  Mlp single = classifier();
  const RowExamples examples = labelled_rows();
  const NetworkEvaluation alone = Case(single, 0.4).evaluate(examples, design_of(kClasses));
  for (const int ranks : {2, 3, 5}) {
    std::mutex one;
    run_on_threads(ranks, [&](Communicator& communicator) {
      Mlp network = classifier();
      const NetworkEvaluation found =
          Case(network, 0.4).evaluate(examples, design_of(kClasses), communicator);
      const std::lock_guard lock(one);
      expect_equal(found.mean, alone.mean);
      expect_equal(found.averaged, alone.averaged);
      EXPECT_EQ(found.nll.low, alone.nll.low);
      EXPECT_EQ(found.calibration.high, alone.calibration.high);
      EXPECT_EQ(found.at_mean.entropy, alone.at_mean.entropy);
      EXPECT_EQ(found.at_average.confidence, alone.at_average.confidence);
    });
  }
}

TEST(NetworkEvaluation, TokensCountOnceAndWindowsAreFilledUp) {
  const testing::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 203; ++i) text += static_cast<char>('a' + i * i % 7);
  const auto tokenizer = make_tokenizer("characters", {"abcdefg"});
  const TokenExamples examples(TokenFile(folder.file("a.txt", text), *tokenizer), 16, 1);
  Gpt2 network({.shape = {.vocabulary = 7, .context = 16, .layers = 1, .heads = 2, .channels = 8}});
  const Case posterior(network, 0.2);
  const NetworkEvaluation found = posterior.evaluate(examples, {});
  EXPECT_EQ(found.targets, 202.0);
  EXPECT_EQ(found.at_average.entropy.size(), examples.size_in_order());
  std::array<double, WeightMessage::kScalars> counts{};
  ExampleFeed feed(examples, examples.size_in_order(), Device());
  network.evaluate(Stream(), posterior.mean,
                   feed.fetch_in_order(Stream(), 0, examples.size_in_order()), counts);
  EXPECT_EQ(counts[WeightMessage::kExamples], 202.0);
  EXPECT_NEAR(found.mean.nll, counts[WeightMessage::kLoss] / 202, 1e-6);
  EXPECT_NEAR(found.mean.accuracy, counts[WeightMessage::kCorrect] / 202, 1e-12);
}

// The host knows beforehand how many examples a network will count.
void expect_counted(Network& network, const Examples& examples, double targets) {
  ExampleFeed feed(examples, examples.size_in_order(), Device());
  const ExampleBatch batch = feed.fetch_in_order(Stream(), 0, examples.size_in_order());
  const Taught taught = teach(network, random_theta(network.parameters(), 0.2), batch);
  EXPECT_EQ(taught.counts[WeightMessage::kExamples], targets);
  EXPECT_EQ(static_cast<double>(batch.examples), targets);
}

TEST(ExampleFeed, CountsWhatANetworkWillCount) {
  const testing::TemporaryFolder folder;
  const auto tokenizer = make_tokenizer("characters", {"abc"});
  const TokenExamples text(TokenFile(folder.file("a.txt", "abcabcabcab"), *tokenizer), 4, 1);
  Gpt2 language({.shape = {.vocabulary = 3, .context = 4, .layers = 1, .heads = 2, .channels = 8}});
  expect_counted(language, text, 10);  // of 12 places

  Mlp labels = classifier();
  const RowExamples labelled = labelled_rows(true);
  expect_counted(labels, labelled, kCount - (kCount + 4) / 5);

  Mlp numbers({.features = kFeatures, .classes = 0, .responses = 1, .hidden = {}});
  Rows rows{.count = kCount, .features = kFeatures, .x = normals(kCount * kFeatures, 5)};
  rows.response = normals(kCount, 6);
  expect_counted(numbers, RowExamples(rows, design_of(0)), kCount);
}

// y = x w + b with Gaussian w, b and a known noise is Gaussian: mean and variance in closed form.
TEST(NetworkEvaluation, OfALinearModelIsItsClosedForm) {
  constexpr std::size_t kMany = 20000, kRows = 40;
  Mlp network({.features = kFeatures, .classes = 0, .responses = 1, .hidden = {}});
  const ParameterSpace& space = network.parameters();
  Case posterior(network, 0.3);
  const std::size_t noise = space.tensor("noise.log_precision").first;
  posterior.sd[noise] = 0;
  Rows rows{.count = kRows, .features = kFeatures, .x = normals(kRows * kFeatures, 5)};
  rows.response = normals(kRows, 6);
  RowDesign design = design_of(0);
  design.response_mean = 40;
  design.response_sd = 3;
  const RowExamples examples(rows, design);
  const NetworkEvaluation found = posterior.evaluate(examples, design, kMany);

  const std::size_t w = space.tensor("layers.0.weight").first;
  const std::size_t b = space.tensor("layers.0.bias").first;
  double nll = 0, squares = 0, in50 = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    double mean = posterior.mean[b], variance = std::exp(-posterior.mean[noise]) + 0.09;
    for (std::size_t j = 0; j < kFeatures; ++j) {
      const double x = rows.x[i * kFeatures + j];
      mean += x * posterior.mean[w + j];
      variance += 0.09 * x * x;
    }
    const double error = rows.response[i] - mean;
    nll += 0.5 * (std::log(2 * std::numbers::pi * variance) + error * error / variance);
    squares += error * error;
    in50 += std::abs(error) < 0.6744897501960817 * std::sqrt(variance) ? 1 : 0;
  }
  EXPECT_NEAR(found.averaged.nll, nll / kRows + std::log(3.0), 0.01);
  EXPECT_NEAR(found.averaged.rmse, 3 * std::sqrt(squares / kRows), 0.02);
  EXPECT_NEAR(found.mean.rmse, 3 * std::sqrt(squares / kRows), 1e-5);
  EXPECT_NEAR(found.averaged.coverage50, in50 / kRows, 1.01 / kRows);
}

TEST(NetworkEvaluation, AnAverageOfNoDrawsIsRefused) {
  const std::vector<float> none;
  const auto rule = make_kept_rule("ivon");
  EXPECT_EQ(testing::error_of(ExitCode::kUsage, [&] { WeightDraws(*rule, none, none, 0, 1); }),
            "an average over no draws is none");
}

// A network without a bound on what it says: one row that is not a number.
TEST(NetworkEvaluation, NamesTheExampleOfWhichNothingFiniteIsSaid) {
  Rows rows{.count = kCount, .features = kFeatures, .x = normals(kCount * kFeatures, 1)};
  rows.x[317 * kFeatures + 2] = std::numeric_limits<float>::quiet_NaN();
  Mlp of_classes({.features = kFeatures, .classes = kClasses, .hidden = {}});
  Rows labelled = rows;
  labelled.labels.assign(kCount, 1);
  const auto told = [](Network& network, const Rows& with, const RowDesign& design) {
    return testing::error_of(ExitCode::kNumerical, [&] {
      Case(network, 0.1).evaluate(RowExamples(with, design), design);
    });
  };
  const std::string sentence =
      "what the network says of example 317, counted from 0, has no finite log-probability";
  EXPECT_EQ(told(of_classes, labelled, design_of(kClasses)), sentence);
  Mlp of_numbers({.features = kFeatures, .classes = 0, .responses = 1, .hidden = {}});
  rows.response = normals(kCount, 6);
  EXPECT_EQ(told(of_numbers, rows, design_of(0)), sentence);
}

TEST(ClassOutcome, OfWhatIsNotANumberHasNoEntropy) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(outcome_of(std::vector<double>{nan, nan}, nan, 0).entropy));
}

TEST(AreaUnderRoc, IsTheShareOfPairs) {
  std::mt19937 generator(4);
  std::vector<double> a, b;
  for (int i = 0; i < 60; ++i) a.push_back(static_cast<double>(generator() % 9));
  for (int i = 0; i < 35; ++i) b.push_back(static_cast<double>(generator() % 12));
  double wins = 0;
  for (const double x : a) {
    for (const double y : b) wins += y > x ? 1 : y == x ? 0.5 : 0;
  }
  EXPECT_NEAR(area_under_roc(a, b), wins / (60 * 35), 1e-14);
  EXPECT_TRUE(std::isnan(area_under_roc(a, {})));

  const double before = area_under_roc(a, b);
  a.insert(a.begin() + 7, std::numeric_limits<double>::quiet_NaN());
  b.push_back(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(area_under_roc(a, b), before);
}

// Of many sets of examples whose losses differ by 0.1 on average, about 95 % of the intervals hold
// that number. The bounds are those of a binomial number of 300 with share 0.95, five deviations
// wide below, to allow for the bootstrap's own error.
TEST(PairedBootstrap, CoversTheTruth) {
  constexpr int kSets = 300;
  constexpr std::size_t kSize = 120;
  std::mt19937 generator(8);
  std::normal_distribution<double> common(1.0, 2.0), own(0.1, 0.5);
  int covered = 0;
  for (int set = 0; set < kSets; ++set) {
    std::vector<PairedBootstrap::Group> groups(kSize);
    for (auto& group : groups) {
      const double loss = common(generator);
      group[PairedBootstrap::kTargets] = 1;
      group[PairedBootstrap::loss(0)] = loss;
      group[PairedBootstrap::loss(1)] = loss + own(generator);
    }
    std::vector<double> sums;
    PairedBootstrap(static_cast<std::uint64_t>(set)).append(groups, 0, sums);
    const auto [nll, gaps] = PairedBootstrap::intervals(sums, true);
    covered += nll.low <= 0.1 && 0.1 <= nll.high ? 1 : 0;
  }
  EXPECT_GE(covered, 266);
  EXPECT_LE(covered, 299);
}

}  // namespace
}  // namespace bayesum::test
