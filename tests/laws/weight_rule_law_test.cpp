#include <gtest/gtest.h>

#include <algorithm>

#include "tests/laws/weight_oracle.hpp"

namespace bayesum::laws {
namespace {

struct Sums {
  double n = 0, gradient = 0, deviation = 0, draw_squares = 0, squares = 0;  // means but for n
};

// `sd`: of the weights at the draws.
Sums mean_over(const std::vector<NaiveDraw>& draws, double clip, double sd) {
  Sums sums;
  for (const NaiveDraw& draw : draws) {
    const double n = draw.examples;
    sums.n += n;
    sums.gradient += n * clip * draw.gradient;
    sums.deviation += n * clip * draw.gradient * draw.eps * sd;
    sums.draw_squares += n * clip * clip * draw.gradient * draw.gradient;
    sums.squares += n * clip * clip * draw.squares;
  }
  for (double* sum : {&sums.gradient, &sums.deviation, &sums.draw_squares, &sums.squares}) {
    *sum /= sums.n;
  }
  return sums;
}

double bounded(double x, double radius) { return radius > 0 ? std::clamp(x, -radius, radius) : x; }

double power(double beta, std::int64_t t) { return std::pow(beta, static_cast<double>(t)); }

// Algorithm 1 of the paper and the shipped optimiser, in their order.
void ivon(const WeightTrial& trial, std::int64_t t, const std::vector<NaiveDraw>& draws,
          double clip, NaiveWeight& w) {
  const WeightRuleConfig& c = trial.config;
  const double wd = trial.decay;
  const Sums mean = mean_over(draws, clip, 1 / std::sqrt(c.ess * (w.h + wd)));
  w.momentum = c.beta1 * w.momentum + (1 - c.beta1) * mean.gradient;
  double squares = mean.draw_squares;
  if (c.noise == "world") squares = mean.gradient * mean.gradient;
  const double f = c.curvature == "squares" ? c.ess * squares : c.ess * (w.h + wd) * mean.deviation;
  const double b2 = c.beta2, h = w.h;
  w.h = b2 * h + (1 - b2) * f + 0.5 * (1 - b2) * (1 - b2) * (h - f) * (h - f) / (h + wd);
  const double momentum = w.momentum / (c.debias ? 1 - power(c.beta1, t) : 1);
  const double rate = trial.rate * (c.rescale ? c.initial_curvature + wd : 1);
  w.m -= rate * bounded((momentum + wd * w.m) / (w.h + wd), c.clip_radius);
}

void vogn(const WeightTrial& trial, std::int64_t t, const std::vector<NaiveDraw>& draws,
          double clip, NaiveWeight& w) {
  const WeightRuleConfig& c = trial.config;
  const double wd = trial.decay;
  const Sums mean = mean_over(draws, clip, 0);
  w.momentum = c.beta1 * w.momentum + (1 - c.beta1) * mean.gradient;
  w.h = c.beta2 * w.h + (1 - c.beta2) * mean.squares;
  const double momentum = w.momentum / (c.debias ? 1 - power(c.beta1, t) : 1);
  const double rate = trial.rate * (c.rescale ? c.initial_curvature + wd : 1);
  w.m -= rate * bounded((momentum + wd * w.m) / (w.h + wd), c.clip_radius);
}

void vadam(const WeightTrial& trial, std::int64_t t, const std::vector<NaiveDraw>& draws,
           double clip, NaiveWeight& w) {
  const WeightRuleConfig& c = trial.config;
  const double wd = trial.decay, g = mean_over(draws, clip, 0).gradient;
  w.momentum = c.beta1 * w.momentum + (1 - c.beta1) * (g + wd * w.m);
  w.h = c.beta2 * w.h + (1 - c.beta2) * g * g;
  const double b1 = c.debias ? power(c.beta1, t) : 0, b2 = c.debias ? power(c.beta2, t) : 0;
  w.m -= trial.rate * w.momentum / (1 - b1) / (std::sqrt(w.h / (1 - b2)) + wd);
}

void adamw(const WeightTrial& trial, std::int64_t t, const std::vector<NaiveDraw>& draws,
           double clip, NaiveWeight& w) {
  const WeightRuleConfig& c = trial.config;
  const bool adam = c.name == "adamw";
  const double beta1 = adam ? c.beta1 : 0, g = mean_over(draws, clip, 0).gradient;
  w.momentum = beta1 * w.momentum + (1 - beta1) * g;
  w.h = c.beta2 * w.h + (1 - c.beta2) * g * g;
  const bool debias = adam && c.debias;
  const double b1 = debias ? power(beta1, t) : 0, b2 = debias ? power(c.beta2, t) : 0;
  w.m *= 1 - trial.rate * trial.decay;
  w.m -= trial.rate * w.momentum / (1 - b1) / (std::sqrt(w.h / (1 - b2)) + c.epsilon);
}

void sgd(const WeightTrial& trial, std::int64_t t, const std::vector<NaiveDraw>& draws, double clip,
         NaiveWeight& w) {
  const double beta = trial.config.beta1;
  w.momentum = beta * w.momentum + (1 - beta) * mean_over(draws, clip, 0).gradient;
  const double bias = trial.config.debias ? power(beta, t) : 0;
  w.m -= trial.rate * (w.momentum / (1 - bias) + trial.decay * w.m);
}

// To `tolerance` of the scale of each quantity: rounding of float32 over all the steps.
void expect_trace(WeightTrial& trial, const std::string& what, std::int64_t steps,
                  decltype(ivon)* formulas, double tolerance) {
  trial.run(steps, [&](std::int64_t t, const std::vector<NaiveDraw>& draws, double clip,
                       NaiveWeight& w) { formulas(trial, t, draws, clip, w); });
  double moved = 0, largest_h = 0;
  for (std::size_t i = 0; i < trial.size; ++i) largest_h = std::max(largest_h, trial.naive[i].h);
  for (std::size_t i = 0; i < trial.size; ++i) {
    const NaiveWeight& w = trial.naive[i];
    ASSERT_NEAR(trial.state.mean.data()[i], w.m, tolerance * (1 + std::abs(w.m))) << what;
    ASSERT_NEAR(trial.state.curvature.data()[i], w.h, tolerance * (std::abs(w.h) + trial.decay))
        << what;
    ASSERT_NEAR(trial.state.momentum.data()[i], w.momentum, tolerance) << what;
    moved += std::abs(w.h - trial.config.initial_curvature);
  }
  EXPECT_TRUE(moved > 0 || trial.config.name == "sgd") << what;
}

WeightRuleConfig config_of(const std::string& name) {
  WeightRuleConfig config{.name = name};
  if (name != "sgd") config.beta2 = 0.97;
  if (name == "ivon" || name == "vogn" || name == "vadam") config.ess = 50;
  if (name == "ivon" || name == "vogn") config.initial_curvature = 0.3;
  return config;
}

std::string text(const WeightTrial& trial) {
  const WeightRuleConfig& c = trial.config;
  return c.name + " " + c.curvature + " " + c.noise + " decay " + std::to_string(trial.decay) +
         " debias " + std::to_string(c.debias) + " rescale " + std::to_string(c.rescale) +
         " radius " + std::to_string(c.clip_radius) + " fused " + std::to_string(trial.fused) +
         " draws " + std::to_string(trial.examples.size());
}

TEST(WeightRuleLaw, IvonFollowsItsFormulas) {
  for (const char* const curvature : {"price", "antithetic", "squares"}) {
    for (const char* const noise : {"shard", "world"}) {
      for (int options = 0; options < 32; ++options) {
        WeightTrial trial{.config = config_of("ivon")};
        trial.config.curvature = curvature;
        trial.config.noise = noise;
        trial.config.debias = options & 1;
        trial.config.rescale = options & 2;
        trial.config.clip_radius = options & 4 ? 0.05 : 0;
        trial.decay = options & 8 ? 0.02 : 0;
        trial.clip = options & 16 ? 0.6 : 1;
        const bool pairs = trial.config.curvature == "antithetic";
        if (pairs) trial.examples = {8, 8, 3, 3};
        if (!pairs && trial.config.noise == "shard") trial.examples = {8, 3, 5};
        expect_trace(trial, text(trial), 60, ivon, 2e-5);
        trial.fused = !pairs;
        trial.examples = {8};
        if (trial.fused) expect_trace(trial, text(trial), 60, ivon, 2e-5);
      }
    }
  }
}

TEST(WeightRuleLaw, OthersFollowTheirFormulas) {
  const std::vector<std::pair<std::string, decltype(ivon)*>> rules{
      {"vogn", vogn}, {"vadam", vadam}, {"adamw", adamw}, {"rmsprop", adamw}, {"sgd", sgd}};
  for (const auto& [name, formulas] : rules) {
    for (int options = 0; options < 16; ++options) {
      WeightTrial trial{.config = config_of(name)};
      if (name != "rmsprop") trial.config.debias = options & 1;
      if (name == "vogn") trial.config.rescale = options & 2;
      if (name == "vogn") trial.config.clip_radius = options & 4 ? 0.05 : 0;
      trial.decay = options & 8 ? 0.02 : 0.2;
      trial.clip = options & 4 ? 0.6 : 1;
      trial.rate = 0.01;
      trial.examples = {8, 3, 5};
      expect_trace(trial, text(trial), 60, formulas, 2e-5);
    }
  }
}

}  // namespace
}  // namespace bayesum::laws
