#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/config.hpp"
#include "core/weights/parameter_space.hpp"
#include "core/weights/weight_message.hpp"
#include "core/weights/weight_state.hpp"
#include "kernels/random.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

struct WeightRuleConfig {
  std::string name = "ivon";  // ivon, vogn, vadam, adamw, rmsprop, sgd, bayesbinn
  double learning_rate = 0.1;
  double ess = 0;                  // effective sample size; 0: the number of training examples
  double initial_curvature = 0.1;  // h of the first step
  double weight_decay = 1e-4;      // delta
  bool decay_vectors = true;       // of biases and gains too, else of matrices alone
  double beta1 = 0.9;              // of the momentum
  double beta2 = 0;                // of the curvature; 0: the usual of the rule
  double clip_radius = 0;  // of the step of a weight, in units of the learning rate; 0: none
  bool debias = true;      // divide running means by 1 - beta^t
  bool rescale = true;     // multiply the learning rate by initial_curvature + weight_decay
  std::string curvature = "price";  // of ivon: price, antithetic, squares
  double epsilon = 1e-8;            // of adamw, rmsprop
  double temperature = 1e-10;       // of bayesbinn
  std::string noise = "shard";      // who draws weights of its own: every virtual shard, its every
                                    // micro-batch, or the world together; shard, micro_batch, world

  void describe(Fields& fields);
  double decay_of(const ParameterTensor& tensor) const;  // delta of its weights
};

// What a rule makes its curvature of, and who can form it.
enum class Second {
  kNone,     // nothing beyond the gradient
  kDraw,     // formed at each draw, WeightRule::teach, and summed beside the gradient
  kExample,  // sums of squared gradients of examples, from the network
};

// One update of the weights by the owner of a part of them. Spans and buffers are of the whole
// vector; those of the rule's calls too, `range` says which part is read and written. Ranges may be
// cut anywhere; a rule does not count `state.updates`.
struct WeightUpdate {
  std::int64_t step = 0;     // t = 1, 2, ...: updates with this one
  double learning_rate = 0;  // of the schedule, as configured
  double scale = 1;          // turns sums of the message into means over examples, clipped
  double examples = 1;       // examples times draws behind the message
  Range range;               // of the parameters; one decay holds for all of it
  double decay = 0;          // delta
  const WeightMessage* message = nullptr;
  std::span<const float> theta = {};  // whole: the draw that all shards shared, with world noise
  std::optional<NoiseId> next = {};   // fused: the draw to make of the updated posterior
  std::span<float> next_theta = {};   // whole; may be `theta`
};

// What the Bayesian learning rule becomes for the weights of a network, and the optimisers that are
// its special cases (Khan and Rue, JMLR 24, 2023): a diagonal Gaussian with rates of its own for
// mean and curvature, momentum, and a correction that keeps the precision positive. The formulas
// stand with each rule.
class WeightRule {
 public:
  virtual ~WeightRule() = default;

  virtual std::string name() const = 0;
  virtual Second second() const = 0;
  virtual bool draws() const = 0;             // of a posterior; otherwise every theta is the mean
  virtual std::string posterior() const = 0;  // which it is, in words

  // The least h with which there is a posterior under this decay, h + delta above zero; minus
  // infinity for rules that need none.
  virtual float least_curvature(double decay) const = 0;

  // Where training starts, `state.mean` given: h, momentum zero.
  virtual void start(const Stream& stream, WeightState& state) const = 0;

  // Writes the weights at which the network stands without noise: m.
  virtual void mean(const Stream& stream, const WeightState& state, Range range,
                    std::span<float> theta) const = 0;

  // Writes theta ~ q in the range: a pure function of state, noise id and index. `sign` = -1 makes
  // the antithetic twin, m - (theta - m).
  virtual void draw(const Stream& stream, const WeightState& state, Range range, double decay,
                    NoiseId id, double sign, std::span<float> theta) const = 0;

  // Adds to the message what one draw taught: `gradient`, summed over the draw's `examples`, and
  // what becomes of it at this theta. Where `gradient` is the message's own it is there already.
  // Called for every draw, whatever `second()` is.
  virtual void teach(const Stream& stream, const WeightState& state, Range range, double decay,
                     std::span<const float> theta, std::span<const float> gradient, double examples,
                     WeightMessage& message) const = 0;

  // Is that no more than the sum of gradients? Then all draws may add to the message's own.
  virtual bool sums_gradients() const = 0;

  // lambda <- (1 - rho) lambda + rho (lambda_prior + message), as far as this rule is it.
  virtual void update(const Stream& stream, const WeightUpdate& update,
                      WeightState& state) const = 0;

  // The standard deviation of the weights in the range; zero for rules without a posterior.
  virtual void sigma(const Stream& stream, const WeightState& state, Range range, double decay,
                     std::span<float> out) const = 0;

  // After a training what `mean` and `sigma` wrote is all that is kept of q. Writes theta ~ q by
  // these, whole vectors: a pure function of them, noise id and index.
  virtual void draw_kept(const Stream& stream, std::span<const float> mean,
                         std::span<const float> sd, NoiseId id, std::span<float> theta) const = 0;
  // The expectation under q of a weight of which they wrote these.
  virtual double expectation(double mean, double sd) const = 0;
};

// `examples`: of the training data, the ess where none is configured.
std::unique_ptr<WeightRule> make_weight_rule(const WeightRuleConfig& config, double examples);
// The rule of that name as far as it says what is kept of its posterior. Error(kUsage): none.
std::unique_ptr<WeightRule> make_kept_rule(const std::string& name);

}  // namespace bayesum
