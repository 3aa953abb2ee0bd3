#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <numbers>

#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "models/network/mlp.hpp"
#include "models/network/network_evaluation.hpp"
#include "tests/core/files.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

constexpr std::size_t kFeatures = 3, kClasses = 4, kDraws = 3, kCount = 300;

// Networks of unlike widths and their posteriors; the second is a point.
class Members {
 public:
  explicit Members(std::size_t classes) : classes_(classes) {
    for (std::size_t k = 0; k < widths_.size(); ++k) {
      networks_.push_back(std::make_unique<Mlp>(
          MlpConfig{.features = kFeatures, .classes = classes, .hidden = {widths_[k]}}));
      const ParameterSpace& space = networks_[k]->parameters();
      means_.push_back(random_theta(space, 0.7, static_cast<std::uint32_t>(k + 1)));
      sds_.emplace_back(space.size(), k == 1 ? 0.0f : 0.3f);
    }
  }

  NetworkEvaluation evaluate(const Examples& examples, const RowDesign& design,
                             Communicator& ranks) {
    std::vector<WeightDraws> draws;
    for (std::size_t k = 0; k < networks_.size(); ++k) {
      draws.emplace_back(*rule_, means_[k], sds_[k], kDraws, seed(k));
    }
    std::vector<Predictor> predictors;
    for (std::size_t k = 0; k < networks_.size(); ++k) {
      predictors.push_back({networks_[k].get(), &draws[k]});
    }
    return evaluate_network(Stream(), ranks, predictors, examples, design, 5);
  }
  NetworkEvaluation evaluate(const Examples& examples, const RowDesign& design) {
    const auto alone = make_self_communicator();
    return evaluate(examples, design, *alone);
  }

  // Every draw's outputs for one row, in double precision: probabilities, or mean and precision.
  std::vector<std::vector<double>> outputs(const float* x) const {
    std::vector<std::vector<double>> all;
    for (std::size_t k = 0; k < networks_.size(); ++k) {
      for (std::uint32_t s = 0; s < kDraws; ++s) {
        std::vector<float> theta(means_[k].size());
        fill_normal(Stream(), noise_after_training(seed(k), s), 0, std::span<float>(theta));
        for (std::size_t i = 0; i < theta.size(); ++i) {
          theta[i] = means_[k][i] + sds_[k][i] * theta[i];
        }
        all.push_back(outputs(k, theta, x));
      }
    }
    return all;
  }
  std::vector<double> outputs_at_first_mean(const float* x) const {
    return outputs(0, means_[0], x);
  }

 private:
  static std::uint64_t seed(std::size_t k) { return 20 + k; }

  std::vector<double> outputs(std::size_t k, const std::vector<float>& theta,
                              const float* x) const {
    const ParameterSpace& space = networks_[k]->parameters();
    const auto tensor = [&](const char* name) { return theta.data() + space.tensor(name).first; };
    const std::size_t last = classes_ > 0 ? classes_ : 1;
    std::vector<double> hidden(widths_[k]), out(last);
    for (std::size_t j = 0; j < hidden.size(); ++j) {
      double a = tensor("layers.0.bias")[j];
      for (std::size_t i = 0; i < kFeatures; ++i) {
        a += double{x[i]} * tensor("layers.0.weight")[i * hidden.size() + j];
      }
      hidden[j] = std::max(a, 0.0);
    }
    for (std::size_t c = 0; c < last; ++c) {
      out[c] = tensor("layers.1.bias")[c];
      for (std::size_t j = 0; j < hidden.size(); ++j) {
        out[c] += hidden[j] * tensor("layers.1.weight")[j * last + c];
      }
    }
    if (classes_ == 0) return {out[0], std::exp(double{*tensor("noise.log_precision")})};
    double sum = 0;
    for (double& logit : out) sum += logit = std::exp(logit);
    for (double& p : out) p /= sum;
    return out;
  }

  std::size_t classes_;
  std::vector<std::size_t> widths_{5, 8, 2};
  std::vector<std::unique_ptr<Network>> networks_;
  std::vector<std::vector<float>> means_, sds_;
  std::unique_ptr<WeightRule> rule_ = make_kept_rule("ivon");
};

Rows features() {
  Rows rows{.count = kCount, .features = kFeatures};
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  for (std::size_t i = 0; i < kCount * kFeatures; ++i) rows.x.push_back(normal(generator));
  return rows;
}

RowDesign design_of(std::size_t classes) {
  RowDesign design{.features = {"a", "b", "c"}, .mean = {0, 0, 0}, .sd = {1, 1, 1}};
  for (std::size_t c = 0; c < classes; ++c) design.classes.push_back(std::to_string(c));
  return design;
}

Rows labelled() {
  Rows rows = features();
  std::mt19937 generator(2);
  for (std::size_t i = 0; i < kCount; ++i) {
    rows.labels.push_back(static_cast<std::int32_t>(generator() % kClasses));
  }
  return rows;
}

double entropy_of(const std::vector<double>& p) {
  double entropy = 0;
  for (const double x : p) entropy -= x * std::log(x);
  return entropy;
}

TEST(Ensemble, OfClassifiersIsTheMeanOfTheirProbabilities) {
  Members members(kClasses);
  const Rows rows = labelled();
  double nll = 0, first_nll = 0, right = 0, brier = 0, entropy = 0, aleatoric = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto label = static_cast<std::size_t>(rows.labels[i]);
    const auto all = members.outputs(&rows.x[i * kFeatures]);
    std::vector<double> mixture(kClasses);
    for (const auto& p : all) {
      for (std::size_t c = 0; c < kClasses; ++c) {
        mixture[c] += p[c] / static_cast<double>(all.size());
      }
      aleatoric += entropy_of(p) / static_cast<double>(all.size());
    }
    nll -= std::log(mixture[label]);
    first_nll -= std::log(members.outputs_at_first_mean(&rows.x[i * kFeatures])[label]);
    right += std::ranges::max_element(mixture) - mixture.begin() == rows.labels[i] ? 1 : 0;
    entropy += entropy_of(mixture);
    for (std::size_t c = 0; c < kClasses; ++c) {
      brier += std::pow(mixture[c] - (c == label ? 1.0 : 0.0), 2);
    }
  }
  const RowExamples examples(rows, design_of(kClasses));
  const NetworkEvaluation found = members.evaluate(examples, design_of(kClasses));
  EXPECT_EQ(found.draws, 3 * kDraws);
  EXPECT_NEAR(found.averaged.nll, nll / kCount, 1e-5);
  EXPECT_NEAR(found.mean.nll, first_nll / kCount, 1e-5);
  EXPECT_NEAR(found.averaged.accuracy, right / kCount, 1e-12);
  EXPECT_NEAR(found.averaged.brier, brier / kCount, 1e-5);
  EXPECT_NEAR(found.averaged.entropy, entropy / kCount, 1e-5);
  EXPECT_NEAR(found.aleatoric, aleatoric / kCount, 1e-5);
  EXPECT_LT(found.averaged.nll, found.mean.nll);
}

TEST(Ensemble, OfRegressionsIsTheMixtureOfTheirGaussians) {
  Members members(0);
  Rows rows = features();
  RowDesign design = design_of(0);
  design.response_sd = 2.5;
  double nll = 0, squares = 0, within = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    const float y = std::sin(rows.x[i * kFeatures]);
    rows.response.push_back(y);
    const auto all = members.outputs(&rows.x[i * kFeatures]);
    double density = 0, mean = 0, below = 0;
    for (const auto& out : all) {
      const double z = (y - out[0]) * std::sqrt(out[1]), n = static_cast<double>(all.size());
      density += std::sqrt(out[1] / (2 * std::numbers::pi)) * std::exp(-0.5 * z * z) / n;
      mean += out[0] / n;
      below += 0.5 * std::erfc(-z / std::numbers::sqrt2) / n;
    }
    nll -= std::log(density);
    squares += (y - mean) * (y - mean);
    within += below >= 0.05 && below <= 0.95 ? 1 : 0;
  }
  const NetworkEvaluation found = members.evaluate(RowExamples(rows, design), design);
  EXPECT_NEAR(found.averaged.nll, nll / kCount + std::log(2.5), 1e-4);
  EXPECT_NEAR(found.averaged.rmse, 2.5 * std::sqrt(squares / kCount), 1e-5);
  EXPECT_NEAR(found.averaged.coverage90, within / kCount, 1.01 / kCount);
}

TEST(Ensemble, AnyNumberOfRanksGivesTheSameBits) {
  const RowExamples examples(labelled(), design_of(kClasses));
  const NetworkEvaluation alone = Members(kClasses).evaluate(examples, design_of(kClasses));
  std::mutex one;
  run_on_threads(2, [&](Communicator& ranks) {
    const NetworkEvaluation found =
        Members(kClasses).evaluate(examples, design_of(kClasses), ranks);
    const std::lock_guard lock(one);
    EXPECT_EQ(found.averaged.nll, alone.averaged.nll);
    EXPECT_EQ(found.averaged.ece, alone.averaged.ece);
    EXPECT_EQ(found.nll.high, alone.nll.high);
    EXPECT_EQ(found.at_average.entropy, alone.at_average.entropy);
  });
}

TEST(Ensemble, WithoutDeviationsAnyNumberOfDrawsIsTheMean) {
  const std::vector<float> mean{1, 2, 3};
  const auto rule = make_kept_rule("ivon");
  WeightDraws draws(*rule, mean, {}, 2, 1);
  std::vector<float> theta(mean.size());
  draws.make(Stream(), 1, theta);
  EXPECT_EQ(theta, mean);
  EXPECT_TRUE(std::ranges::equal(draws.theta(Stream(), 1).values, mean));
}

TEST(Ensemble, MustBeAnEqualMixture) {
  Mlp three({.features = kFeatures, .classes = 3, .hidden = {2}});
  Mlp four({.features = kFeatures, .classes = 4, .hidden = {2}});
  const std::vector<float> wide = random_theta(four.parameters(), 0.5);
  const std::vector<float> narrow = random_theta(three.parameters(), 0.5);
  const RowExamples examples(labelled(), design_of(kClasses));
  const auto alone = make_self_communicator();
  const auto rule = make_kept_rule("ivon");
  WeightDraws one(*rule, wide, {}, 1, 1), two(*rule, wide, {}, 2, 1),
      other(*rule, narrow, {}, 1, 1);
  const auto refusal = [&](const Predictor& second) {
    const std::vector<Predictor> predictors{{&four, &one}, second};
    return testing::error_of(ExitCode::kUsage, [&] {
      evaluate_network(Stream(), *alone, predictors, examples, design_of(kClasses), 1);
    });
  };
  EXPECT_NE(refusal({&four, &two}).find("1 draws of 4 outputs and of 2 draws of 4 outputs"),
            std::string::npos);
  EXPECT_NE(refusal({&three, &other}).find("1 draws of 3 outputs"), std::string::npos);
}

}  // namespace
}  // namespace bayesum::test
