#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/examples/examples.hpp"
#include "core/weights/network.hpp"
#include "core/weights/weight_rule.hpp"
#include "kernels/buffer.hpp"

namespace bayesum {

// Predictions from a posterior over the weights of a network: what it says at draws of them,
// averaged.

// The noise of what is done with a posterior after its training: a step that no training has.
NoiseId noise_after_training(std::uint64_t seed, std::uint32_t draw);

// Draws of the weights from what a rule keeps of its posterior, theta_s = mean + sd eps_s of a
// Gaussian, signs of bayesbinn (WeightRule::draw_kept). The noise is a pure function of the seed,
// the draw and the index of the weight: the same on every rank and device. Where all of them are
// small they are kept once they are asked for, otherwise each is made whenever it is.
class WeightDraws {
 public:
  // `mean` and `sd` live on the device of the streams that follow, and outlive this, as the rule
  // does. Without `sd` every draw is the mean. Error(kUsage) without a draw.
  WeightDraws(const WeightRule& rule, std::span<const float> mean, std::span<const float> sd,
              std::size_t draws, std::uint64_t seed);

  std::size_t size() const { return draws_; }
  std::span<const float> mean() const { return mean_; }
  // Writes draw s.
  void make(const Stream& stream, std::size_t s, std::span<float> theta) const;
  // Draw s; valid until the next is asked for.
  Theta theta(const Stream& stream, std::size_t s);
  // By what draw s is rounded.
  std::optional<NoiseId> rounding(std::size_t s) const;

 private:
  const WeightRule* rule_;
  std::span<const float> mean_;
  std::span<const float> sd_;
  std::size_t draws_;
  std::uint64_t seed_;
  std::size_t room_;                 // for how many draws
  std::vector<Buffer<float>> kept_;  // the first ones, or the present one
};

// What is said of one target by a distribution over classes.
struct ClassOutcome {
  double log_probability = 0;  // of the class that it was
  double confidence = 0;       // the largest probability
  double correct = 0;          // 1 where that is the class that it was (the first of equals)
  double brier = 0;            // sum over classes c of (p_c - [c is the class that it was])^2
  double entropy = 0;          // -sum p log p, in nats
};
ClassOutcome outcome_of(std::span<const double> probabilities, double log_probability,
                        std::int32_t target);

// The predictive distribution of one target averaged over draws: probabilities are averaged, not
// logits. log p(y) = log mean_s exp(log p_s(y)) is kept with its largest term taken out, so that it
// does not underflow. Draws that agree to the bit average to what they say.
class AveragedClasses {
 public:
  AveragedClasses(std::size_t targets, std::size_t classes);

  void clear() { draws_ = 0; }
  // One more draw: log-probabilities, targets x classes, and the classes that it was; kNoTarget for
  // none.
  void add(std::span<const float> log_probabilities, std::span<const std::int32_t> targets);

  std::span<const double> probabilities(std::size_t target) const;
  double log_probability(std::size_t target) const;  // of the class that it was
  double mean_entropy(std::size_t target) const;     // of the draws: what data cannot teach

 private:
  struct Running {
    double largest = 0;  // log-probability of the class that it was
    double sum = 0;      // of exp(log-probability - largest)
    double entropy = 0;
  };

  void add(std::size_t target, std::span<const float> log_probabilities, std::int32_t is);

  std::size_t classes_;
  std::size_t draws_ = 0;
  std::vector<double> probabilities_;
  std::vector<Running> running_;
};

// What is said of one target by an equal mixture of Gaussians, one for each draw.
struct NumberOutcome {
  double mean = 0;
  double variance = 0;     // of a new response: that within draws and that between them
  double log_density = 0;  // of the response that it was
  double transform = 0;    // the mixture's distribution function there
};

class AveragedNumbers {
 public:
  explicit AveragedNumbers(std::size_t targets) : running_(targets) {}

  void clear() { draws_ = 0; }
  // One more draw: a network's output, rows x (responses + 1), see Network::predict; and the
  // responses, rows x responses.
  void add(std::span<const float> outputs, std::span<const float> responses, std::size_t columns);

  NumberOutcome outcome(std::size_t target) const;

 private:
  struct Running {
    double mean = 0;
    double squares = 0;    // of deviations of the draws' means
    double variance = 0;   // mean of the draws'
    double largest = 0;    // log-density
    double sum = 0;        // of exp(log-density - largest)
    double transform = 0;  // mean
  };

  void add(Running& running, double mean, double precision, double response) const;

  std::size_t draws_ = 0;
  std::vector<Running> running_;
};

}  // namespace bayesum
