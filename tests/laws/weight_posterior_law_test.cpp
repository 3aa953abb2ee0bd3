#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <string>

#include "kernels/parallel.hpp"
#include "tests/laws/weight_oracle.hpp"

// What holds of rules beyond their formulas: posteriors stay proper, draws are of them, cuts and
// threads and interruptions change nothing, and what is learned is right where that is known.
namespace bayesum::laws {
namespace {

constexpr NoiseId kId{.seed = 3, .step = 2, .draw = 1};
const std::vector<std::string> kRules{"ivon",    "vogn", "vadam",    "adamw",
                                      "rmsprop", "sgd",  "bayesbinn"};

WeightRuleConfig config_of(const std::string& name, const std::string& noise = "shard") {
  WeightRuleConfig config{.name = name, .noise = noise};
  if (name != "sgd" && name != "bayesbinn") config.beta2 = 0.9;
  return config;
}

WeightState begun(const WeightRule& rule, std::span<const float> mean) {
  const Stream stream;
  WeightState state({}, mean.size());
  copy(stream, mean, state.mean.span());
  rule.start(stream, state);
  return state;
}

WeightState copied(const WeightState& from) {
  const Stream stream;
  WeightState to({}, from.mean.size());
  copy(stream, from.mean.span(), to.mean.span());
  copy(stream, from.curvature.span(), to.curvature.span());
  copy(stream, from.momentum.span(), to.momentum.span());
  to.updates = from.updates;
  return to;
}

void expect_same_bits(std::span<const float> a, std::span<const float> b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i]))
        << what << ", element " << i;
  }
}

void expect_same_state(const WeightState& a, const WeightState& b, const std::string& what) {
  expect_same_bits(a.mean.span(), b.mean.span(), what + ", mean");
  expect_same_bits(a.curvature.span(), b.curvature.span(), what + ", curvature");
  expect_same_bits(a.momentum.span(), b.momentum.span(), what + ", momentum");
}

// Some steps of training on a quadratic with noisy gradients, all calls cut into these ranges.
struct Training {
  std::vector<Range> ranges;
  double decay = 0.01;
  double rate = 0.02;
  double examples = 8;
  double noise_sd = 0.3;  // of the gradient of a mean example
  double curvature = 1;   // of the loss of one; its minimum is at 1
  bool fused = false;
  std::uint64_t seed = 21;

  void run(const WeightRule& rule, WeightState& state, std::int64_t steps) const {
    const Stream stream;
    const std::size_t size = state.mean.size();
    const auto id = [&](std::int64_t t) { return NoiseId{seed, static_cast<std::uint32_t>(t), 0}; };
    std::vector<float> theta(size), noise(size);
    bool drawn = false;
    for (std::int64_t last = state.updates + steps; state.updates < last;) {
      const std::int64_t t = state.updates + 1;
      WeightMessage message({}, size, rule.second() != Second::kNone);
      if (!drawn) {
        for (const Range r : ranges) rule.draw(stream, state, r, decay, id(t), 1, theta);
      }
      fill_normal(stream, separate(id(t)), 0, noise);
      for (std::size_t i = 0; i < size; ++i) {
        const double g = curvature * (theta[i] - 1) + noise_sd * noise[i];
        message.gradient()[i] = static_cast<float>(examples * g);
        if (rule.second() == Second::kExample) {
          const double spread = examples * noise_sd * noise_sd;  // of one example about the mean
          message.second()[i] = static_cast<float>(examples * g * g + (examples - 1) * spread);
        }
      }
      for (const Range r : ranges) {
        rule.teach(stream, state, r, decay, theta, message.gradient(), examples, message);
      }
      for (const Range r : ranges) {
        WeightUpdate update{.step = t,
                            .learning_rate = rate,
                            .scale = 1 / examples,
                            .examples = examples,
                            .range = r,
                            .decay = decay,
                            .message = &message,
                            .theta = theta};
        if (fused) {
          update.next = id(t + 1);
          update.next_theta = theta;
        }
        rule.update(stream, update, state);
      }
      drawn = fused;
      state.updates = t;
    }
  }
};

// The same state whether the ranges are cut or whole, updates fused with draws or not, and for any
// number of threads.
TEST(WeightPosteriorLaw, CutsThreadsAndFusionChangeNoBit) {
  constexpr std::size_t kSize = 70'003;
  const std::vector<float> start = random_floats(kSize, 1, 0, 1);
  std::vector<WeightRuleConfig> configs;
  for (const std::string& name : kRules) configs.push_back(config_of(name));
  for (const char* const curvature : {"price", "squares"}) {
    configs.push_back(config_of("ivon", "world"));
    configs.back().curvature = curvature;
  }
  const int before = cpu::thread_count();
  for (const WeightRuleConfig& config : configs) {
    const auto rule = make_weight_rule(config, 500);
    cpu::set_thread_count(1);
    WeightState whole = begun(*rule, start);
    Training{.ranges = {{0, kSize}}}.run(*rule, whole, 4);
    for (const int threads : {1, 2, 3, 7}) {
      for (const bool fused : {false, true}) {
        cpu::set_thread_count(threads);
        WeightState cut = begun(*rule, start);
        Training{
            .ranges =
                {{16, 48}, {0, 16}, {32768, 65552}, {48, 16400}, {16400, 32768}, {65552, kSize}},
            .fused = fused}
            .run(*rule, cut, 4);
        expect_same_state(whole, cut,
                          config.name + " " + config.noise + ", " + std::to_string(threads));
      }
    }
  }
  cpu::set_thread_count(before);
}

// The state, the count of updates among it, is all that a training has: the first step after a
// resume is the step it would have been. One that forgets the count draws and debiases as if it
// began, and goes elsewhere.
TEST(WeightPosteriorLaw, InterruptedTrainingGoesOnToTheBit) {
  constexpr std::size_t kSize = 1000;
  const std::vector<float> start = random_floats(kSize, 2, 0, 1);
  const Training training{.ranges = {{0, kSize}}};
  for (const std::string& name : kRules) {
    const auto rule = make_weight_rule(config_of(name), 500);
    WeightState through = begun(*rule, start);
    training.run(*rule, through, 3);
    WeightState resumed = copied(through), forgetful = copied(through);
    training.run(*rule, through, 7);
    training.run(*rule, resumed, 7);
    expect_same_state(through, resumed, name);
    forgetful.updates = 0;
    training.run(*rule, forgetful, 7);
    EXPECT_FALSE(std::ranges::equal(through.mean.span(), forgetful.mean.span())) << name;
  }
}

// h + delta at least halves, and sigma is a positive number, whatever finite message comes, again
// and again. Rounding of h is to a part of delta, which is allowed for.
TEST(WeightPosteriorLaw, IvonStaysProperForAnyFiniteMessage) {
  constexpr std::size_t kSize = 2048;
  const Stream stream;
  std::mt19937 generator(5);
  std::uniform_real_distribution<double> exponent(-30, 30);
  for (const char* const curvature : {"price", "squares"}) {
    for (const double decay : {0.0, 1e-6, 1.0}) {
      for (const double beta2 : {0.0001, 0.5, 0.99999}) {
        WeightRuleConfig config{.name = "ivon", .ess = 1e10, .beta2 = beta2};
        config.curvature = curvature;
        const auto rule = make_weight_rule(config, 0);
        WeightState state = begun(*rule, std::vector<float>(kSize, 0.1f));
        std::vector<float> sigma(kSize);
        for (std::int64_t t = 1; t <= 60; ++t) {
          WeightMessage message({}, kSize, true);
          for (float& value : message.payload()) {
            const double size = std::pow(10, exponent(generator));
            value = static_cast<float>(generator() % 2 == 0 ? size : -size);
            if (generator() % 8 == 0) value = 0;
          }
          if (t % 3 == 0) {  // what halves it: u = -1
            for (std::size_t i = 0; i < kSize; ++i) {
              message.second()[i] = static_cast<float>(-1e-10 / (1 - beta2));
            }
          }
          if (config.curvature == "squares") {
            for (float& value : message.second()) value = std::abs(value);
          }
          const WeightState before = copied(state);
          rule->update(stream,
                       {.step = t,
                        .learning_rate = 1e-3,
                        .range = {0, kSize},
                        .decay = decay,
                        .message = &message},
                       state);
          rule->sigma(stream, state, {0, kSize}, decay, sigma);
          for (std::size_t i = 0; i < kSize; ++i) {
            const double delta = static_cast<float>(decay), h = before.curvature.data()[i];
            const double next = state.curvature.data()[i];
            ASSERT_GE(next + delta, (h + delta) / 2 - 1.2e-7 * (std::abs(h) + delta));
            ASSERT_TRUE(std::isfinite(next) && next + delta > 0);
            ASSERT_TRUE(std::isfinite(sigma[i]) && sigma[i] > 0) << sigma[i] << " at h = " << next;
          }
        }
      }
    }
  }
}

// Mean and variance of draws, within 5 standard errors. Where the mean is large, the float32 grid
// about it adds the variance of rounding, a twelfth of its spacing squared.
TEST(WeightPosteriorLaw, DrawsHaveMeanAndVariance) {
  constexpr std::size_t kSize = 1 << 20;
  const Stream stream;
  struct Tensor {
    float mean;
    double sigma;
  };
  for (const Tensor tensor : {Tensor{0, 0.1}, {-0.02f, 3e-4}, {1.5f, 3e-4}, {100, 1e-5}}) {
    constexpr double kEss = 1e6, kDecay = 1e-3;
    const auto rule = make_weight_rule({.name = "ivon", .ess = kEss}, 0);
    WeightState state = begun(*rule, std::vector<float>(kSize, tensor.mean));
    const double h = 1 / (kEss * tensor.sigma * tensor.sigma) - kDecay;
    std::ranges::fill(state.curvature.span(), static_cast<float>(h));
    std::vector<float> theta(kSize);
    for (const double sign : {1.0, -1.0}) {
      rule->draw(stream, state, {0, kSize}, kDecay, kId, sign, theta);
      double sum = 0, squares = 0;
      for (const float value : theta) {
        const double away = static_cast<double>(value) - tensor.mean;
        sum += away;
        squares += away * away;
      }
      const double spacing = std::nextafter(std::abs(tensor.mean), 1e9f) - std::abs(tensor.mean);
      const double variance =
          tensor.sigma * tensor.sigma + (spacing > tensor.sigma / 4 ? spacing * spacing / 12 : 0);
      EXPECT_NEAR(sum / kSize, 0, 5 * std::sqrt(variance / kSize));
      EXPECT_NEAR(squares / kSize, variance, 5 * variance * std::sqrt(2.0 / kSize));
    }
  }
}

// What is kept of a posterior after its training makes the draws that the posterior itself makes.
TEST(WeightPosteriorLaw, WhatIsKeptOfAGaussianDrawsIt) {
  constexpr std::size_t kSize = 1000;
  constexpr double kDecay = 0.01;
  const Stream stream;
  for (const std::string name : {"ivon", "vogn", "vadam", "adamw"}) {
    const auto rule = make_weight_rule({.name = name}, 50);
    const WeightState state = begun(*rule, random_floats(kSize, 5, 0, 1));
    std::vector<float> theta(kSize), mean(kSize), sd(kSize), again(kSize);
    rule->draw(stream, state, {0, kSize}, kDecay, kId, 1, theta);
    rule->mean(stream, state, {0, kSize}, mean);
    rule->sigma(stream, state, {0, kSize}, kDecay, sd);
    make_kept_rule(name)->draw_kept(stream, mean, sd, kId, again);
    expect_same_bits(again, theta, name);
    EXPECT_EQ(rule->expectation(mean[0], sd[0]), mean[0]);
  }
}

// Of bayesbinn draws of signs, by their probabilities 1 / (1 + exp(-2 l)) within 5 standard errors.
TEST(WeightPosteriorLaw, WhatIsKeptOfSignsDrawsThem) {
  constexpr std::size_t kSize = 1 << 18;
  const Stream stream;
  const auto rule = make_kept_rule("bayesbinn");
  for (const float natural : {-3.0f, -0.4f, 0.0f, 0.05f, 0.7f, 2.0f, 40.0f}) {
    const WeightState state = begun(*rule, std::vector<float>(kSize, natural));
    std::vector<float> theta(kSize), mean(kSize), sd(kSize);
    rule->mean(stream, state, {0, kSize}, mean);
    rule->sigma(stream, state, {0, kSize}, 0, sd);
    rule->draw_kept(stream, mean, sd, kId, theta);
    const auto ups = static_cast<double>(std::ranges::count(theta, 1.0f));
    EXPECT_EQ(ups + static_cast<double>(std::ranges::count(theta, -1.0f)), double{kSize});
    const double p = 1 / (1 + std::exp(-2.0 * natural));
    EXPECT_NEAR(ups / kSize, p, 5 * std::sqrt(p * (1 - p) / kSize) + 1e-9) << natural;
    EXPECT_NEAR(rule->expectation(mean[0], sd[0]), std::tanh(natural), 1e-3) << natural;
    EXPECT_EQ(mean[0], natural < 0 ? -1.0f : 1.0f);
  }
}

// What does not depend on the noise cancels in a pair, to the rounding of theta.
TEST(WeightPosteriorLaw, PairsCancelTheMeanGradient) {
  constexpr std::size_t kSize = 5000;
  const Stream stream;
  WeightRuleConfig config{.name = "ivon", .curvature = "antithetic"};
  const auto rule = make_weight_rule(config, 100);
  const WeightState state = begun(*rule, random_floats(kSize, 3, 0, 1));
  const std::vector<float> gradient = random_floats(kSize, 4, 0, 1);
  std::vector<float> theta(kSize), single(kSize);
  WeightMessage message({}, kSize, true);
  double largest = 0;
  for (const double sign : {1.0, -1.0}) {
    rule->draw(stream, state, {0, kSize}, 0.01, kId, sign, theta);
    rule->teach(stream, state, {0, kSize}, 0.01, theta, gradient, 4, message);
    if (sign > 0) std::ranges::copy(message.second(), single.begin());
  }
  for (std::size_t i = 0; i < kSize; ++i) {
    const double m = state.mean.data()[i], away = std::abs(theta[i] - m);
    const double rounding = std::ldexp(2 * std::abs(m) + 7 * away, -24);
    ASSERT_LE(std::abs(message.second()[i]), rounding * std::abs(gradient[i]));
    ASSERT_FLOAT_EQ(message.gradient()[i], 2 * gradient[i]);
    largest = std::max(largest, std::abs(static_cast<double>(single[i])));
  }
  EXPECT_GT(largest, 0.5) << "one draw alone does not cancel it";
}

// On a quadratic of curvature H the stationary mean of h is
//   H + (1 - beta2) / 2 (ess E g(m)^2 + 2 H^2 / (h + delta)),
// to first order in 1 - beta2, g(m) being the noisy mean gradient at a mean that does not move.
TEST(WeightPosteriorLaw, StationaryCurvatureHasItsKnownBias) {
  constexpr std::size_t kSize = 16384;
  constexpr double kRest = 0.002, kEss = 100;
  WeightRuleConfig config{.name = "ivon", .ess = kEss, .initial_curvature = 1};
  config.beta2 = 1 - kRest;
  const auto rule = make_weight_rule(config, 0);
  WeightState state = begun(*rule, std::vector<float>(kSize, 1.0f));
  const Training training{
      .ranges = {{0, kSize}}, .decay = 0.1, .rate = 1e-20, .noise_sd = 0.2, .fused = true};
  training.run(*rule, state, 2500);
  double sum = 0;
  constexpr int kLooks = 8;
  for (int look = 0; look < kLooks; ++look) {
    training.run(*rule, state, 150);
    for (const float h : state.curvature.span()) sum += h;
  }
  const double bias = kRest / 2 * (kEss * 0.2 * 0.2 + 2 / 1.1);
  // h has variance (1 - beta2) / 2 Var f, and looks 150 steps apart are correlated: count two.
  const double variance = kRest / 2 * (kEss * 1.1 * 0.04 + 2);
  const double error = std::sqrt(variance / (2 * kSize));
  EXPECT_LT(5 * error, bias / 2) << "the test can see the bias";
  EXPECT_NEAR(sum / kSize / kLooks, 1 + bias, 5 * error);
}

// With one example a step Vadam's running square is that of examples, and VOGN's always is. Where
// the model is right that is the curvature H, and the posterior's deviation 1 / sqrt(ess (H +
// delta)), to the spread of the running mean.
TEST(WeightPosteriorLaw, SquaresGiveThePosteriorOfAQuadratic) {
  constexpr std::size_t kSize = 8192;
  constexpr double kCurvature = 0.5, kDecay = 0.05, kEss = 2000;
  for (const std::string name : {"vogn", "vadam"}) {
    WeightRuleConfig config{.name = name, .ess = kEss, .beta2 = 0.995};
    const auto rule = make_weight_rule(config, 0);
    WeightState state = begun(*rule, std::vector<float>(kSize, 0.9f));
    const bool one = name == "vadam";
    Training training{.ranges = {{0, kSize}},
                      .decay = kDecay,
                      .rate = 0.005,
                      .examples = one ? 1.0 : 16.0,
                      .curvature = kCurvature};
    training.noise_sd = std::sqrt(kCurvature / training.examples);
    training.run(*rule, state, 1500);
    std::vector<float> sigma(kSize);
    rule->sigma(Stream(), state, {0, kSize}, kDecay, sigma);
    double precision = 0;
    for (const float s : sigma) precision += 1 / (static_cast<double>(s) * s) / kSize;
    EXPECT_NEAR(precision / (kEss * (kCurvature + kDecay)), 1, 0.03) << name;
  }
}

}  // namespace
}  // namespace bayesum::laws
