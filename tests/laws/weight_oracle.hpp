#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "core/weights/weight_rule.hpp"
#include "kernels/random.hpp"

namespace bayesum::laws {

inline std::vector<float> random_floats(std::size_t size, std::uint32_t seed, double mean,
                                        double sd) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(mean, sd);
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(normal(generator));
  return values;
}

// One draw of a step, as one weight sees it: the examples it was made for, their mean gradient and
// mean squared gradient, and the noise.
struct NaiveDraw {
  double examples, gradient, squares, eps;
};

// One weight by a rule's formulas, in double precision.
struct NaiveWeight {
  double m = 0, h = 0, momentum = 0;
};

// A rule at work on gradients from nowhere, beside its formulas.
struct WeightTrial {
  WeightRuleConfig config;
  double decay = 0.01;
  double rate = 0.05;               // learning rate
  double clip = 1.0;                // of the gradient
  std::vector<double> examples{8};  // of each draw of a step
  bool fused = false;               // updates make the next draw; of one draw a step
  double gradient_mean = 0.05;
  double gradient_sd = 0.1;
  std::size_t size = 1003;

  using Formulas = std::function<void(std::int64_t step, const std::vector<NaiveDraw>&, double clip,
                                      NaiveWeight&)>;

  // Takes the steps; afterwards `state` and `naive` are to agree.
  void run(std::int64_t steps, const Formulas& formulas);
  WeightState state = {};
  std::vector<NaiveWeight> naive = {};

 private:
  NoiseId id(std::int64_t step, std::size_t draw) const {
    return {.seed = 5,
            .step = static_cast<std::uint32_t>(step),
            .draw = static_cast<std::uint32_t>(draw)};
  }
};

inline void WeightTrial::run(std::int64_t steps, const Formulas& formulas) {
  const Stream stream;
  const auto rule = make_weight_rule(config, 1000);
  state = WeightState({}, size);
  const std::vector<float> start = random_floats(size, 1, 0, 0.5);
  copy<float>(stream, start, state.mean.span());
  rule->start(stream, state);
  naive.resize(size);
  for (std::size_t i = 0; i < size; ++i) naive[i] = {start[i], state.curvature.data()[i], 0};

  const Range whole{0, size};
  const bool has_second = rule->second() != Second::kNone;
  std::vector<float> theta(size), eps(size);
  for (std::int64_t t = 1; t <= steps; ++t) {
    WeightMessage message({}, size, has_second);
    std::vector<std::vector<NaiveDraw>> seen(size);
    double total = 0;
    for (std::size_t d = 0; d < examples.size(); ++d) {
      const double n = examples[d];
      const double sign = config.curvature == "antithetic" && d % 2 == 1 ? -1 : 1;
      const NoiseId noise = id(t, config.curvature == "antithetic" ? d / 2 : d);
      if (!fused || t == 1) rule->draw(stream, state, whole, decay, noise, sign, theta);
      fill_normal(stream, noise, 0, eps);
      const auto seed = static_cast<std::uint32_t>(100 * t) + static_cast<std::uint32_t>(d);
      std::vector<float> gradient = random_floats(size, seed, gradient_mean, gradient_sd);
      for (std::size_t i = 0; i < size; ++i) {
        const double square = gradient[i] * gradient[i] + 0.01;
        seen[i].push_back({n, gradient[i], square, sign * eps[i]});
        gradient[i] *= static_cast<float>(n);
        if (rule->second() == Second::kExample) {
          message.second()[i] += static_cast<float>(n * square);
        }
      }
      rule->teach(stream, state, whole, decay, theta, gradient, n, message);
      total += n;
    }
    WeightUpdate update{.step = t,
                        .learning_rate = rate,
                        .scale = clip / total,
                        .examples = total,
                        .range = whole,
                        .decay = decay,
                        .message = &message};
    if (config.noise == "world") update.theta = theta;
    if (fused) {
      update.next = id(t + 1, 0);
      update.next_theta = theta;
    }
    rule->update(stream, update, state);
    for (std::size_t i = 0; i < size; ++i) formulas(t, seen[i], clip, naive[i]);
  }
}

}  // namespace bayesum::laws
