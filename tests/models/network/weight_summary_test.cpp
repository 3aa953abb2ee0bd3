#include "models/network/weight_summary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/network/mlp.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

// A posterior by this rule over the weights of a perceptron, sds of all sizes.
OpenNetwork posterior_of(const std::string& rule) {
  OpenNetwork trained;
  trained.network = std::make_unique<Mlp>(MlpConfig{.features = 3, .classes = 2, .hidden = {7}});
  trained.rule = make_kept_rule(rule);
  const ParameterSpace& space = trained.network->parameters();
  const std::vector<float> values = random_theta(space, 1.0), spreads = random_theta(space, 1.0, 2);
  trained.mean = Buffer<float>(Device(), space.size());
  trained.sd = Buffer<float>(Device(), space.size());
  for (std::size_t i = 0; i < space.size(); ++i) {
    const bool signs = rule == "bayesbinn";
    trained.mean.data()[i] = signs ? std::copysign(1.0f, values[i]) : values[i];
    trained.sd.data()[i] = trained.rule->draws() ? 1.0f / std::cosh(spreads[i]) : 0.0f;
  }
  return trained;
}

TEST(WeightSummary, IsWhatItsDefinitionSays) {
  for (const std::string rule : {"ivon", "bayesbinn"}) {
    const OpenNetwork trained = posterior_of(rule);
    const auto& tensors = trained.network->parameters().tensors();
    const std::vector<WeightSummary> found = summarize_weights(trained);
    ASSERT_EQ(found.size(), tensors.size());
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      double squares = 0, sds = 0, above = 0;
      std::vector<double> ratios;
      for (std::size_t i = 0; i < tensors[t].size(); ++i) {
        const double m = trained.mean.data()[tensors[t].first + i];
        const double sd = trained.sd.data()[tensors[t].first + i];
        const double probability = 0.5 * (1 + std::sqrt(1 - sd * sd));  // of the sign m
        const double expected = rule == "ivon" ? m : m * (2 * probability - 1);
        squares += expected * expected;
        sds += sd;
        ratios.push_back(std::abs(expected) / sd);
        above += ratios.back() > 1 ? 1 : 0;
      }
      std::ranges::sort(ratios);
      const auto n = static_cast<double>(ratios.size());
      EXPECT_EQ(found[t].tensor.name, tensors[t].name);
      EXPECT_NEAR(found[t].rms, std::sqrt(squares / n), 1e-6);
      EXPECT_NEAR(found[t].sd, sds / n, 1e-6);
      EXPECT_NEAR(found[t].signal_to_noise, ratios[ratios.size() / 2], 1e-5);
      EXPECT_NEAR(found[t].share_above_noise, above / n, 1e-12);
    }
  }
}

TEST(WeightSummary, WithoutAPosteriorThereIsNoNoise) {
  for (const WeightSummary& each : summarize_weights(posterior_of("adamw"))) {
    EXPECT_EQ(each.sd, 0);
    EXPECT_GT(each.rms, 0);
    EXPECT_TRUE(std::isnan(each.signal_to_noise) && std::isnan(each.share_above_noise));
  }
}

// 1 / sqrt(ess (h_0 + delta)), with the decay of the tensor; of signs at even odds 1.
TEST(WeightSummary, KnowsWhereATrainingStarts) {
  WeightRuleConfig rule;
  rule.initial_curvature = 0.3;
  rule.weight_decay = 0.1;
  rule.decay_vectors = false;
  const OpenNetwork posterior = posterior_of("ivon");
  const auto& tensors = posterior.network->parameters().tensors();
  EXPECT_NEAR(sd_at_start(rule, 50, tensors[0]), 1 / std::sqrt(50 * 0.4), 1e-6);
  EXPECT_NEAR(sd_at_start(rule, 50, tensors[1]), 1 / std::sqrt(50 * 0.3), 1e-6);
  WeightRuleConfig signs;
  signs.name = "bayesbinn";
  EXPECT_EQ(sd_at_start(signs, 50, tensors[0]), 1);
}

}  // namespace
}  // namespace bayesum::test
