#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/config.hpp"
#include "core/coordinator.hpp"
#include "core/trainer.hpp"
#include "core/weights/example_feed.hpp"
#include "core/weights/network.hpp"
#include "core/weights/schedule.hpp"
#include "core/weights/weight_coordinator.hpp"
#include "core/weights/weight_rule.hpp"

namespace bayesum {

// What keeps a step that would do harm out of the posterior. A step whose loss, gradient, its
// square in float32 or second part is not finite is skipped always.
struct GuardConfig {
  double clip = 0;             // largest norm of the mean gradient; a larger message is scaled down
  double outlier = 0;          // skip a step whose norm is so many times the usual; 0: none
  std::int64_t patience = 10;  // give up after so many skipped in a row

  void describe(Fields& fields);
};

// What is known after the evidence of a step is in.
struct NetworkReport {
  std::int64_t step = 0;
  double loss = 0;           // mean negative log-likelihood of an example (token), at the draws
  double accuracy = 0;       // of them, those the network got right; 0 for regressions
  double examples = 0;       // of this step, times draws
  double gradient_norm = 0;  // of the mean gradient
  double learning_rate = 0;  // of the update that follows
  bool clipped = false;
  bool skipped = false;    // no update follows
  std::int64_t skips = 0;  // steps skipped so far
  double seconds = 0;      // since training began here
};

// Do the messages of such a training have a second part?
bool has_second(const WeightRule& rule, const WeightRuleConfig& config);

// Runs the one path for the weights of a network:
//
//   posterior -> theta      rule.draw
//   examples -> message     network.accumulate at theta, rule.teach
//   message -> sum          coordinator.reduce
//   sum -> posterior        rule.update, by the owners
//   posterior -> ranks      coordinator.publish
//
// Each of the V virtual shards reads micro_steps micro-batches in a step. Who shares a draw is the
// rule's `noise`. Nothing depends on the number of ranks, in deterministic mode not a bit.
class NetworkTrainer {
 public:
  struct Parts {
    const Stream& stream;
    Communicator& communicator;
    const Examples& examples;
    Network& network;
  };
  struct Config {
    WeightRuleConfig rule;
    ScheduleConfig schedule;
    CoordinatorConfig coordinator;
    GuardConfig guard;
    BatchShape batch;
    std::int64_t steps = 1000;
    std::uint64_t seed = 1;
  };
  struct Hooks {
    std::function<void(const NetworkReport&)> report = {};  // every step, every rank
    std::function<void(NetworkTrainer&)> validate = {};     // as below, and at the end; collective
    std::int64_t validate_every = 0;                        // steps; 0: at the end alone
    std::function<void(const WeightTrainingState&)> checkpoint = {};  // likewise
    std::int64_t checkpoint_every = 0;
    std::function<bool()> stop_requested = {};  // polled before every micro-batch
  };

  // Of this rank alone, and so is what it throws, Error(kDevice) where there is too little memory:
  // ranks agree on it, core/agree.hpp.
  NetworkTrainer(Parts parts, const Config& config, Hooks hooks);

  // Host; instead of the network's initial weights and, unless empty, the rule's curvature. Where
  // that is no posterior under the weight decay of this training, rule.initial_curvature takes its
  // place; returns of how many weights.
  std::size_t start_at(std::span<const float> mean, std::vector<float> curvature = {});
  void restore(const WeightTrainingState& state);
  StopReason run();

  std::int64_t step_number() const { return report_.step; }
  const NetworkReport& last_report() const { return report_; }
  // What this rank took over the evidence of its virtual shards, without waiting for others.
  double gathering_seconds() const { return gathering_seconds_; }
  Range this_ranks_shards() const;
  // Collective: on every rank the whole posterior. Valid until the next step.
  const WeightState& weights();
  const WeightTrainingState& state();              // collective too
  double ess() const { return config_.rule.ess; }  // that configured, or the targets there are
  double decay_of(const ParameterTensor& tensor) const;
  // Collective, on every rank: the weights without noise, and the sd of each.
  void write_mean(std::span<float> theta);
  void write_sd(std::span<float> sd);

 private:
  // A run of parameters of one decay.
  struct Segment {
    Range range;
    double decay = 0;
  };

  // What theta is a draw of, at the present posterior.
  struct Noise {
    NoiseId id;
    double sign = 1;
    friend bool operator==(const Noise&, const Noise&) = default;
  };

  std::optional<StopReason> step();
  void enter(Phase phase);
  void draw_together();
  void gather_evidence();
  void learn(std::size_t shard, Range micros, double sign, WeightMessage& message);
  void draw(const Noise& noise);
  void assess();
  void judge(double norm);
  void update(const WeightMessage& sum);
  std::optional<Noise> next_draw() const;
  NoiseId weight_noise(std::int64_t step, std::size_t shard, std::size_t micro) const;
  NoiseId dropout_noise(std::int64_t step, std::size_t shard, std::size_t micro) const;
  Theta theta() const;
  std::vector<Segment> segments(const std::vector<Range>& ranges) const;

  bool world_noise() const { return config_.rule.noise == "world"; }
  bool antithetic() const { return config_.rule.curvature == "antithetic"; }
  bool draws_of_its_own() const { return rule_->draws() && !world_noise(); }
  bool owns_all() const { return config_.coordinator.kind == "replicated"; }
  std::size_t micro_steps_per_draw() const;

  Parts parts_;
  Config config_;
  Hooks hooks_;
  std::unique_ptr<WeightRule> rule_;
  ExampleOrder order_;
  ExampleFeed feed_;
  WeightCoordinator coordinator_;
  std::vector<Segment> everywhere_;
  std::vector<Segment> owned_;
  WeightTrainingState state_;
  bool whole_ = true;  // does this rank hold all of state_, not its part alone?
  Buffer<float> theta_;
  std::optional<Noise> drawn_;  // what theta_ is, if it is a draw of the present posterior
  Buffer<float> gradient_;      // of one draw, where the message cannot take it directly
  NetworkReport report_;
  double usual_norm_ = 0;
  std::int64_t skips_in_a_row_ = 0;
  double gathering_seconds_ = 0;
  std::chrono::steady_clock::time_point began_;
};

// The same training, where a second part would be made of the only draw of a step: that draw is the
// world's, and the rule makes what it needs of the sum.
NetworkTrainer::Config with_common_draw(NetworkTrainer::Config config);

// Does a rank of so many virtual shards hold the gradient of each draw by itself? Unless it is
// added to a message as it comes, or is the whole of one.
bool keeps_gradient(const WeightRule& rule, const NetworkTrainer::Config& config,
                    std::size_t shards);

}  // namespace bayesum
