#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/coordinator.hpp"
#include "core/data/dataset.hpp"
#include "core/data/minibatch.hpp"
#include "core/model.hpp"
#include "core/rule.hpp"

namespace bayesum {

struct StopConfig {
  std::int64_t steps = 1000;  // at most
  double residual = 1e-8;     // stop when the fixed-point residual is this small
  double elbo = 0;            // or when the ELBO changed by at most this, relatively; 0: never

  void describe(Fields& fields);
};

// What is known of the posterior at the start of a step, from the evidence gathered at it. When the
// step read a minibatch, ELBO, loss and residual are estimates: those of its rows, scaled by V / B.
// They decide nothing then: such a training ends after stop.steps, when all data are read once more
// for a report that is none.
struct StepReport {
  std::int64_t step = 0;
  double elbo = 0;  // Model::objective
  double loss = 0;  // - E_q[log p(data | theta)]
  double rows = 0;
  // How far lambda is from its fixed point lambda_prior + sum of messages: with r the largest
  // |difference|, r / (r + max |lambda|), which is the relative distance near 0 and at most 1.
  double residual = 0;
  double rho = 0;  // of the step that led here
  std::int64_t backtracks = 0;
  double seconds = 0;  // since training began here
  bool estimate = false;
};

enum class StopReason { kResidual, kElbo, kSteps, kRequested };
std::string to_string(StopReason reason);

// What training ended with: the posterior, and the report of it. When the last step allowed has
// overshot, they are of where it started.
struct TrainingResult {
  StopReason reason = StopReason::kSteps;
  StepReport last;
  Posterior posterior;
};

// Everything that a run continues from, bit for bit, on any number of ranks.
struct TrainingState {
  std::int64_t step = 0;
  double previous_elbo = 0;
  Posterior posterior;
  StepControl::State control;  // its vectors whole, in the layout of lambda
};

// Runs the one path: shard -> batch -> message -> sum -> posterior -> ranks.
class Trainer {
 public:
  struct Parts {
    const Stream& stream;
    Communicator& communicator;
    Dataset& data;
    Model& model;
  };
  struct Config {
    RuleConfig rule;
    CoordinatorConfig coordinator;
    StopConfig stop;
    std::uint64_t seed = 1;  // of the minibatches, and of the rows that a start is chosen by
  };
  struct Hooks {
    std::function<void(const StepReport&)> report;         // every step, every rank
    std::function<void(const TrainingState&)> checkpoint;  // at the end, and as below
    std::int64_t checkpoint_every = 0;                     // steps; 0: at the end alone
    std::function<bool()> stop_requested;                  // polled before every virtual shard
  };

  // Error(kUsage) for minibatches under a rule that they would mislead.
  Trainer(Parts parts, const Config& config, Hooks hooks);

  void start_at(const Posterior& q);  // instead of where the model starts
  void restore(const TrainingState& state);
  TrainingResult run();

  const Posterior& posterior() const { return posterior_; }  // where the next step starts
  TrainingState state();                                     // collective

 private:
  void find_start();
  // One step of the learning rule, or the reason to stop before it.
  std::optional<StopReason> step();
  void enter(Phase phase);
  void choose_batch();
  void gather_evidence();
  void scale_up();
  void assess();
  Evidence evidence() const;
  std::optional<StopReason> reason_to_stop() const;
  TrainingResult result(StopReason reason);
  std::vector<double> whole(std::span<const double> part);
  std::vector<double> owned_part(std::span<const double> whole) const;

  Parts parts_;
  StopConfig stop_;
  std::uint64_t seed_;
  Minibatch batch_;  // of the step
  Hooks hooks_;
  Posterior posterior_;
  bool started_ = false;  // is posterior_ where training starts or goes on?
  std::unique_ptr<Coordinator> coordinator_;
  ResolvedRule rule_;
  StepControl control_;
  Message shard_message_;
  std::vector<double> message_;  // of the slice of lambda that this rank coordinates
  std::array<double, Message::kScalars> counts_{};
  StepReport report_;
  double previous_elbo_ = 0;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace bayesum
