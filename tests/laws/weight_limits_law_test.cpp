#include <gtest/gtest.h>

#include <algorithm>
#include <numbers>
#include <string>

#include "core/weights/schedule.hpp"
#include "kernels/error.hpp"
#include "tests/laws/weight_oracle.hpp"

// Rules that are limits of others, what configuration is refused, weights of -1 and +1, and the
// schedule.
namespace bayesum::laws {
namespace {

void nothing(std::int64_t, const std::vector<NaiveDraw>&, double, NaiveWeight&) {}

std::vector<float> means_after(WeightRuleConfig config, double decay) {
  WeightTrial trial{.config = std::move(config), .decay = decay};
  trial.run(40, nothing);
  return {trial.state.mean.span().begin(), trial.state.mean.span().end()};
}

void expect_near(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  const std::vector<float> start = random_floats(a.size(), 1, 0, 0.5);
  double moved = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(a[i], b[i], tolerance);
    moved += std::abs(a[i] - start[i]) / static_cast<double>(a.size());
  }
  EXPECT_GT(moved, 100 * tolerance);
}

// With h held still and the rate in its units, IVON's mean is gradient descent's.
TEST(WeightLimits, IvonOfFixedCurvatureIsSgd) {
  WeightRuleConfig fixed{.name = "ivon", .ess = 1e12, .beta2 = 1 - 1e-14};
  expect_near(means_after(fixed, 0.02), means_after({.name = "sgd"}, 0.02), 1e-5);
}

// Without noise and without a prior to speak of, Vadam is Adam.
TEST(WeightLimits, VadamOfNoNoiseIsAdam) {
  constexpr double kSmall = 1e-8;
  expect_near(means_after({.name = "vadam", .ess = 1e30}, kSmall),
              means_after({.name = "adamw", .epsilon = kSmall}, 0), 1e-5);
}

TEST(WeightLimits, RmspropIsAdamWithoutMomentum) {
  WeightRuleConfig adam{.name = "adamw", .beta1 = 0, .beta2 = 0.9};
  adam.debias = false;
  EXPECT_EQ(means_after({.name = "rmsprop", .beta2 = 0.9}, 0.02), means_after(adam, 0.02));
}

TEST(WeightLimits, RulesWithoutPosteriorStandAtTheMean) {
  const Stream stream;
  const std::vector<float> mean = random_floats(100, 3, 0, 1);
  for (const char* const name : {"adamw", "rmsprop", "sgd"}) {
    const auto rule = make_weight_rule({.name = name}, 10);
    EXPECT_FALSE(rule->draws());
    WeightState state({}, mean.size());
    copy<float>(stream, mean, state.mean.span());
    rule->start(stream, state);
    std::vector<float> theta(mean.size()), sigma(mean.size(), 1.0f);
    rule->draw(stream, state, {0, mean.size()}, 0.1, {1, 2, 3}, 1, theta);
    rule->sigma(stream, state, {0, mean.size()}, 0.1, sigma);
    EXPECT_EQ(theta, mean);
    EXPECT_EQ(sigma, std::vector<float>(mean.size()));
  }
}

// Labels are the sign of a hidden vector of signs times x: found again, and with little doubt.
TEST(WeightLimits, BayesBinnFindsTheSigns) {
  constexpr std::size_t kWeights = 24, kRows = 400;
  const Stream stream;
  const std::vector<float> x = random_floats(kRows * kWeights, 5, 0, 1);
  std::vector<float> hidden = random_floats(kWeights, 6, 0, 1);
  for (float& value : hidden) value = value < 0 ? -1.0f : 1.0f;
  for (const double temperature : {1.0, 1e-10}) {
    const auto rule =
        make_weight_rule({.name = "bayesbinn", .ess = 20, .temperature = temperature}, kRows);
    WeightState state({}, kWeights);
    rule->start(stream, state);
    std::vector<float> theta(kWeights), gradient(kWeights), sigma(kWeights);
    const Range whole{0, kWeights};
    for (std::int64_t t = 1; t <= 400; ++t) {
      rule->draw(stream, state, whole, 0, {9, static_cast<std::uint32_t>(t), 0}, 1, theta);
      std::ranges::fill(gradient, 0.0f);
      for (std::size_t r = 0; r < kRows; ++r) {
        double score = 0, label = 0;
        for (std::size_t j = 0; j < kWeights; ++j) {
          score += x[r * kWeights + j] * theta[j];
          label += x[r * kWeights + j] * hidden[j];
        }
        const double y = label < 0 ? -1 : 1;  // the loss is log(1 + exp(-y score))
        for (std::size_t j = 0; j < kWeights; ++j) {
          gradient[j] -= static_cast<float>(y * x[r * kWeights + j] / (1 + std::exp(y * score)));
        }
      }
      WeightMessage message({}, kWeights, false);
      rule->teach(stream, state, whole, 0, theta, gradient, kRows, message);
      rule->update(stream,
                   {.step = t,
                    .learning_rate = 0.02,
                    .scale = 1.0 / kRows,
                    .examples = kRows,
                    .range = whole,
                    .message = &message},
                   state);
    }
    rule->mean(stream, state, whole, theta);
    EXPECT_EQ(theta, hidden) << "temperature " << temperature;
    rule->sigma(stream, state, whole, 0, sigma);
    for (std::size_t j = 0; j < kWeights; ++j) {
      const double mu = std::tanh(static_cast<double>(state.mean.data()[j]));
      EXPECT_NEAR(sigma[j], std::sqrt(1 - mu * mu), 1e-6);
      EXPECT_LT(sigma[j], 0.9);
    }
  }
}

// The natural gradient of one draw, and its sum into a message that holds another's; of weights
// without doubt too, where 1 - tanh^2 is far below the rounding of 1.
TEST(WeightLimits, BayesBinnTeachesNaturalGradients) {
  const Stream stream;
  for (const double temperature : {0.7, 1e-10}) {
    const auto rule = make_weight_rule({.name = "bayesbinn", .temperature = temperature}, 50);
    WeightState state({}, 40);
    copy<float>(stream, random_floats(40, 7, 0, 6), state.mean.span());
    const std::vector<float> gradient = random_floats(40, 8, 0, 1);
    std::vector<float> theta(40);
    rule->draw(stream, state, {0, 40}, 0, {1, 1, 1}, 1, theta);
    WeightMessage apart({}, 40, false), within({}, 40, false);
    std::ranges::copy(gradient, within.gradient().begin());
    rule->teach(stream, state, {0, 40}, 0, theta, within.gradient(), 5, within);
    for (int draw = 0; draw < 2; ++draw) {
      rule->teach(stream, state, {0, 40}, 0, theta, gradient, 5, apart);
    }
    for (std::size_t i = 0; i < 40; ++i) {
      const double w = theta[i], cosh = std::cosh(static_cast<double>(state.mean.data()[i]));
      const double natural =
          gradient[i] * (1 - w * w + 1e-10) / (temperature * (1 / (cosh * cosh) + 1e-10));
      const double rounding = 1e-5 * std::abs(natural);
      EXPECT_NEAR(within.gradient()[i], natural, rounding) << state.mean.data()[i];
      EXPECT_NEAR(apart.gradient()[i], 2 * natural, 2 * rounding) << state.mean.data()[i];
    }
  }
}

// What all draw together is the same step, made natural by each shard or by who steps.
TEST(WeightLimits, BayesBinnOfOneDrawTakesTheSameStep) {
  const Stream stream;
  std::vector<std::vector<float>> after;
  for (const std::string noise : {"shard", "world"}) {
    const auto rule =
        make_weight_rule({.name = "bayesbinn", .temperature = 0.8, .noise = noise}, 50);
    WeightState state({}, 40);
    copy<float>(stream, random_floats(40, 7, 0, 2), state.mean.span());
    std::vector<float> theta(40);
    rule->draw(stream, state, {0, 40}, 0, {1, 1, 1}, 1, theta);
    WeightMessage message({}, 40, false);
    for (const std::uint32_t shard : {8u, 9u}) {
      const std::vector<float> gradient = random_floats(40, shard, 0, 1);
      rule->teach(stream, state, {0, 40}, 0, theta, gradient, 5, message);
    }
    rule->update(stream,
                 {.step = 1,
                  .learning_rate = 0.1,
                  .scale = 0.1,
                  .range = {0, 40},
                  .message = &message,
                  .theta = theta},
                 state);
    after.emplace_back(state.mean.span().begin(), state.mean.span().end());
  }
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_NEAR(after[0][i], after[1][i], 1e-5 * (1 + std::abs(after[0][i])));
  }
}

// Pixels that are never lit have squares of zero, and without a prior nothing else holds h up.
TEST(WeightLimits, VognWithoutAPriorKeepsAPosterior) {
  const Stream stream;
  const auto rule = make_weight_rule({.name = "vogn", .weight_decay = 0, .beta2 = 0.5}, 50);
  WeightState state({}, 16);
  rule->start(stream, state);
  const WeightMessage message({}, 16, true);
  for (std::int64_t t = 1; t <= 300; ++t) {
    rule->update(stream, {.step = t, .learning_rate = 0.1, .range = {0, 16}, .message = &message},
                 state);
  }
  std::vector<float> sigma(16), theta(16);
  rule->sigma(stream, state, {0, 16}, 0, sigma);
  rule->draw(stream, state, {0, 16}, 0, {1, 1, 1}, 1, theta);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_TRUE(std::isfinite(sigma[i]) && std::isfinite(theta[i]));
    EXPECT_EQ(state.mean.data()[i], 0.0f);
  }
}

void expect_refused(const WeightRuleConfig& config, double examples, const std::string& words) {
  try {
    make_weight_rule(config, examples);
    FAIL() << "not refused: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(WeightRuleConfigLaw, MistakesAreRefused) {
  expect_refused({.name = "adamw", .curvature = "squares"}, 10, "rule.curvature = \"squares\"");
  expect_refused({.name = "sgd", .beta2 = 0.9}, 10, "rule.beta2 = 0.9");
  expect_refused({.name = "adamw", .noise = "world"}, 10, "rule.noise");
  expect_refused({.name = "adamw", .ess = 5}, 10, "rule.ess");
  expect_refused({.name = "rmsprop", .beta1 = 0.5}, 10, "rule.beta1");
  expect_refused({.name = "bayesbinn", .weight_decay = 0.5}, 10, "rule.weight_decay");
  expect_refused({.name = "ivon", .epsilon = 0.5}, 10, "rule.epsilon");
  expect_refused({.name = "ivon", .initial_curvature = 0}, 10, "must be positive");
  expect_refused({.name = "vogn", .initial_curvature = 0}, 10, "rule.initial_curvature");
  expect_refused({.name = "vadam", .weight_decay = 0}, 10, "rule.weight_decay > 0");
  expect_refused({.name = "vadam", .decay_vectors = false}, 10, "rule.decay_vectors");
  expect_refused({.name = "ivon", .ess = -1}, 10, "rule.ess");
  expect_refused({.name = "ivon"}, 0, "rule.ess");
  expect_refused({.name = "lion"}, 10, "lion");
  for (const char* const name : {"ivon", "vogn", "vadam", "adamw", "rmsprop", "sgd", "bayesbinn"}) {
    EXPECT_EQ(make_weight_rule({.name = name}, 10)->name(), name);
  }
}

TEST(WeightRuleConfigLaw, MessagesThatLackWhatTheRuleNeedsAreRefused) {
  const Stream stream;
  WeightState state({}, 16);
  const WeightMessage message({}, 16, false);
  for (const WeightRuleConfig& config : {WeightRuleConfig{.name = "ivon"},
                                         {.name = "vogn"},
                                         {.name = "ivon", .noise = "world"},
                                         {.name = "bayesbinn", .noise = "world"}}) {
    const auto rule = make_weight_rule(config, 10);
    rule->start(stream, state);
    const WeightUpdate update{.step = 1, .range = {0, 16}, .message = &message};
    EXPECT_THROW(rule->update(stream, update, state), Error) << config.name << config.noise;
  }
}

TEST(ScheduleLaw, RisesThenFalls) {
  const ScheduleConfig cosine{.name = "cosine", .warmup = 4, .final_fraction = 0.1};
  const ScheduleConfig linear{.name = "linear", .warmup = 4, .final_fraction = 0.1};
  const ScheduleConfig constant{.name = "constant", .warmup = 4};
  for (const ScheduleConfig& schedule : {cosine, linear, constant}) {
    for (std::int64_t t = 0; t < 4; ++t) {
      EXPECT_DOUBLE_EQ(scheduled(schedule, t, 24), static_cast<double>(t + 1) / 5);
    }
    EXPECT_DOUBLE_EQ(scheduled(schedule, 4, 24), 1);
  }
  EXPECT_DOUBLE_EQ(scheduled(linear, 14, 24), 0.55);
  EXPECT_DOUBLE_EQ(scheduled(cosine, 14, 24), 0.55);
  EXPECT_DOUBLE_EQ(scheduled(cosine, 9, 24), 0.1 + 0.9 * (1 + std::cos(std::numbers::pi / 4)) / 2);
  EXPECT_DOUBLE_EQ(scheduled(constant, 23, 24), 1);
  EXPECT_NEAR(scheduled(linear, 23, 24), 0.1 + 0.9 / 20, 1e-15);
  EXPECT_DOUBLE_EQ(scheduled(cosine, 30, 24), 0.1);
  EXPECT_DOUBLE_EQ(scheduled({.warmup = 30}, 29, 24), 30.0 / 31);
}

}  // namespace
}  // namespace bayesum::laws
