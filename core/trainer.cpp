#include "core/trainer.hpp"

#include <algorithm>
#include <cmath>

#include "core/agree.hpp"
#include "core/staging.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

double largest(std::span<const double> x) {
  double largest = 0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  return largest;
}

void check_fit(const StepPolicy& policy, const Minibatch& batch) {
  const bool forgets = policy.rho == 1.0 && policy.schedule == "constant";
  if (batch.always_whole() || !(policy.backtracking || forgets)) return;
  const char* const fault =
      policy.backtracking ? "steps on a part of the data are noisy, which misleads backtracking"
                          : "steps of rho = 1 forget all parts of the data but the last";
  throw Error(ExitCode::kUsage, std::string("data.shards_per_step: ") + fault +
                                    ": set both rule.name = \"blr\" and rule.schedule = \"power\"");
}

ResolvedRule rule_of(const RuleConfig& config, const Model& model) {
  ResolvedRule rule = make_rule(config, model.conjugacy());
  rule.policy.objective_error = model.objective_error();
  return rule;
}

}  // namespace

std::string to_string(StopReason reason) {
  switch (reason) {
    case StopReason::kResidual:
      return "the fixed-point residual is small enough";
    case StopReason::kElbo:
      return "the ELBO no longer changes";
    case StopReason::kSteps:
      return "the last step was reached";
    case StopReason::kRequested:
      return "stopped on request";
  }
  return {};
}

void StopConfig::describe(Fields& fields) {
  fields.add("stop.steps", steps, {.low = 0}, "steps at most");
  fields.add("stop.residual", residual, kNonNegative,
             "stop when lambda is this close to lambda_prior + sum of messages, relatively; not on "
             "minibatches, whose reports are estimates");
  fields.add("stop.elbo", elbo, kNonNegative,
             "stop when the ELBO changed by at most this, relatively; 0: never; likewise");
}

Trainer::Trainer(Parts parts, const Config& config, Hooks hooks)
    : parts_(parts),
      stop_(config.stop),
      seed_(config.seed),
      batch_(parts.data.virtual_shards(), parts.data.shards_per_step(), config.seed),
      hooks_(std::move(hooks)),
      posterior_(parts.model.initial_posterior()),
      coordinator_(make_coordinator(config.coordinator, parts.communicator, posterior_,
                                    parts.data.virtual_shards(), parts.stream.device())),
      rule_(rule_of(config.rule, parts.model)),
      control_(rule_.policy),
      shard_message_(posterior_.size(), parts.stream.device()),
      message_(coordinator_->owned().size()),
      began_(std::chrono::steady_clock::now()) {
  check_fit(rule_.policy, batch_);
}

TrainingResult Trainer::run() {
  if (!started_) find_start();
  std::int64_t saved = -1;
  for (;;) {
    const auto reason = step();
    const bool due = hooks_.checkpoint_every > 0 && report_.step % hooks_.checkpoint_every == 0;
    if (hooks_.checkpoint && (reason || due) && report_.step != saved) {
      hooks_.checkpoint(state());
      saved = report_.step;
    }
    if (reason) return result(*reason);
  }
}

// Rank 0 chooses: other processors may round otherwise.
void Trainer::find_start() {
  const Stream& stream = parts_.stream;
  Communicator& communicator = parts_.communicator;
  Model& model = parts_.model;
  const std::size_t rows = model.rows_to_start_from();
  if (rows > 0) {
    const RowSample sample = sample_rows(stream, communicator, parts_.data, rows, seed_);
    agree(communicator, stream, [&] {
      if (communicator.rank() == 0) start_at(model.start_from(sample));
    });
    on_wire(stream, communicator, posterior_.natural(),
            [&](const Stream& wire, auto payload) { communicator.broadcast(wire, payload, 0); });
  }
  started_ = true;
}

// lambda <- (1 - rho) lambda + rho (lambda_prior + sum over shards of message)
std::optional<StopReason> Trainer::step() {
  auto& [stream, communicator, data, model] = parts_;
  choose_batch();  // step -> shards
  enter(Phase::kGathering);
  gather_evidence();  // shard -> batch -> message
  enter(Phase::kReducing);
  coordinator_->reduce(stream, message_, counts_);  // message -> sum
  scale_up();                                       // batch -> all
  enter(Phase::kUpdating);
  assess();  // sum -> metrics
  if (const auto reason = reason_to_stop()) return reason;

  const Range owned = coordinator_->owned();
  const auto prior = std::span(model.prior().natural).subspan(owned.first, owned.size());
  Posterior slice = posterior_.slice(owned);
  control_.advance(*rule_.rule, prior, evidence(), slice);  // sum -> posterior
  posterior_.assign(owned, slice);
  enter(Phase::kPublishing);
  coordinator_->publish(stream, posterior_.natural());  // posterior -> ranks
  previous_elbo_ = report_.elbo;
  ++report_.step;
  return std::nullopt;
}

void Trainer::enter(Phase phase) { parts_.communicator.activity().enter(phase, report_.step); }

// The last look at the posterior is at all data.
void Trainer::choose_batch() {
  if (report_.step < stop_.steps) {
    batch_.draw(report_.step);
  } else {
    batch_.take_all();
  }
}

// Every virtual shard of this rank in the batch, in order: its rows teach one message. A rank that
// cannot read its data fails on all ranks, before anyone waits for its sum.
void Trainer::gather_evidence() {
  const Stream& stream = parts_.stream;
  Communicator& communicator = parts_.communicator;
  Dataset& data = parts_.data;
  Model& model = parts_.model;
  agree(communicator, stream, [&] {
    model.prepare(stream, posterior_);
    const Range shards =
        shards_of_rank(data.virtual_shards(), communicator.size(), communicator.rank());
    for (std::size_t shard = shards.first; shard < shards.last; ++shard) {
      if (!batch_.has(shard)) {
        coordinator_->skip(stream, shard);
        continue;
      }
      const bool stop_requested = hooks_.stop_requested && hooks_.stop_requested();
      shard_message_.clear(stream);
      double rows = 0;
      data.visit(stream, shard, [&](const Batch& batch) {
        model.accumulate(stream, batch, shard_message_);
        rows += static_cast<double>(batch.rows());
        communicator.activity().move();
      });
      shard_message_.count(stream, Message::kRows, rows);
      shard_message_.count(stream, Message::kStop, stop_requested ? 1.0 : 0.0);
      shard_message_.count_nonfinite(stream);
      coordinator_->add(stream, shard, shard_message_);
    }
  });
}

// From the sum over a batch to an estimate of the sum over all shards; the rows stay those seen.
void Trainer::scale_up() {
  if (batch_.whole()) return;
  for (double& x : message_) x *= batch_.scale();
  counts_[Message::kLoss] *= batch_.scale();
}

// What the evidence says of the posterior at which it was gathered.
void Trainer::assess() {
  const Stream& stream = parts_.stream;
  const Model& model = parts_.model;
  const Range owned = coordinator_->owned();
  if (model.chart() == Chart::kCentred) {
    const Posterior slice = posterior_.slice(owned);
    slice.natural_from_centred(std::vector(message_), message_);
  }
  double gap = 0;
  for (std::size_t i = 0; i < message_.size(); ++i) {
    const std::size_t j = owned.first + i;
    const double difference =
        std::abs(posterior_.natural()[j] - model.prior().natural[j] - message_[i]);
    if (!(difference <= gap)) gap = difference;  // NaN stays
  }
  report_.loss = counts_[Message::kLoss];
  report_.rows = counts_[Message::kRows];
  gap = coordinator_->max_over_owners(stream, gap);
  // Every rank decides by these two, so they are rank 0's: other processors may round otherwise.
  std::array<double, 2> decisive{model.objective(posterior_, report_.loss),
                                 gap == 0 ? 0.0 : gap / (gap + largest(posterior_.natural()))};
  on_wire(
      stream, parts_.communicator, std::span<double>(decisive),
      [&](const Stream& wire, auto payload) { parts_.communicator.broadcast(wire, payload, 0); });
  report_.elbo = decisive[0];
  report_.residual = decisive[1];
  report_.estimate = !batch_.whole();
  report_.rho = control_.rho();
  report_.backtracks = control_.backtracks();
  report_.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  if (hooks_.report) hooks_.report(report_);
}

std::optional<StopReason> Trainer::reason_to_stop() const {
  if (counts_[Message::kStop] > 0) return StopReason::kRequested;
  if (report_.estimate) return std::nullopt;
  const bool finite = counts_[Message::kNonFinite] == 0;
  if (finite && report_.residual <= stop_.residual) return StopReason::kResidual;
  const double change = std::abs(report_.elbo - previous_elbo_);
  const bool settled = change <= stop_.elbo * std::abs(report_.elbo);
  if (finite && stop_.elbo > 0 && report_.step > 0 && settled) return StopReason::kElbo;
  if (report_.step >= stop_.steps) return StopReason::kSteps;
  return std::nullopt;
}

Evidence Trainer::evidence() const {
  return {message_, report_.elbo, report_.residual, counts_[Message::kNonFinite] == 0};
}

TrainingResult Trainer::result(StopReason reason) {
  TrainingResult result{reason, report_, posterior_};
  if (reason != StopReason::kSteps || !control_.takes_back(evidence())) return result;
  std::ranges::copy(whole(control_.base()), result.posterior.natural().begin());
  result.last.elbo = control_.base_elbo();
  result.last.residual = control_.base_residual();
  result.last.loss = parts_.model.objective(result.posterior, 0.0) - result.last.elbo;
  return result;
}

TrainingState Trainer::state() {
  TrainingState state{.step = report_.step,
                      .previous_elbo = previous_elbo_,
                      .posterior = posterior_,
                      .control = control_.save()};
  state.control.base_natural = whole(state.control.base_natural);
  state.control.base_message = whole(state.control.base_message);
  return state;
}

void Trainer::start_at(const Posterior& q) {
  std::ranges::copy(q.natural(), posterior_.natural().begin());
  started_ = true;
}

void Trainer::restore(const TrainingState& state) {
  started_ = true;
  report_.step = state.step;
  previous_elbo_ = state.previous_elbo;
  std::ranges::copy(state.posterior.natural(), posterior_.natural().begin());
  StepControl::State control = state.control;
  control.base_natural = owned_part(control.base_natural);
  control.base_message = owned_part(control.base_message);
  control_.load(control);
}

std::vector<double> Trainer::whole(std::span<const double> part) {
  std::vector<double> whole(posterior_.size());
  std::ranges::copy(part, whole.begin() + static_cast<std::ptrdiff_t>(coordinator_->owned().first));
  coordinator_->publish(parts_.stream, whole);
  return whole;
}

std::vector<double> Trainer::owned_part(std::span<const double> whole) const {
  const Range owned = coordinator_->owned();
  const auto part = whole.subspan(owned.first, owned.size());
  return {part.begin(), part.end()};
}

}  // namespace bayesum
