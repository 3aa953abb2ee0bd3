#include "core/weights/network_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/agree.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr double kUsualNormMemory = 0.99;

// What one example is worth in the effective sample size: a target.
double targets(const Examples& examples) {
  return static_cast<double>(examples.size()) *
         static_cast<double>(std::max<std::size_t>(examples.shape().context, 1));
}

// Does a step of a shard have one draw?
bool draws_once(const NetworkTrainer::Config& config) {
  const bool of_all_micro_steps =
      config.rule.noise != "micro_batch" || config.batch.micro_steps == 1;
  return of_all_micro_steps && config.rule.curvature != "antithetic";
}

}  // namespace

bool has_second(const WeightRule& rule, const WeightRuleConfig& config) {
  return rule.second() == Second::kExample ||
         (rule.second() == Second::kDraw && config.noise != "world");
}

NetworkTrainer::Config with_common_draw(NetworkTrainer::Config config) {
  const bool of_draws = make_weight_rule(config.rule, 1)->second() == Second::kDraw;
  if (of_draws && config.batch.virtual_shards == 1 && draws_once(config)) {
    config.rule.noise = "world";
  }
  return config;
}

bool keeps_gradient(const WeightRule& rule, const NetworkTrainer::Config& config,
                    std::size_t shards) {
  if (!rule.draws() || rule.sums_gradients()) return false;
  const bool message_of_a_shard = config.coordinator.deterministic || shards <= 1;
  return !message_of_a_shard || !draws_once(config);
}

void check(const WeightRuleConfig& rule) {
  if (rule.curvature != "antithetic" || rule.noise != "world") return;
  throw Error(ExitCode::kUsage,
              "rule.curvature = \"antithetic\" needs shards that draw for themselves: use "
              "rule.noise = \"shard\" or \"micro_batch\"");
}

void GuardConfig::describe(Fields& fields) {
  fields.add("guard.clip", clip, kNonNegative,
             "largest norm of the mean gradient, beyond which the message is scaled down; 0: none");
  fields.add("guard.outlier", outlier, kNonNegative,
             "skip a step whose gradient norm is so many times the usual; 0: never");
  fields.add("guard.patience", patience, {1, 1e9},
             "give up after so many steps skipped in a row, not finite or outliers");
}

NetworkTrainer::NetworkTrainer(Parts parts, const Config& config, Hooks hooks)
    : parts_(parts),
      config_(with_common_draw(config)),
      hooks_(std::move(hooks)),
      rule_(make_weight_rule(config_.rule, targets(parts.examples))),
      order_(parts.examples.size(), config.batch, config.seed),
      feed_(parts.examples, order_.shape().rows, parts.stream.device()),
      coordinator_(config.coordinator, parts.communicator, parts.network.parameters(),
                   has_second(*rule_, config_.rule), config.batch.virtual_shards,
                   parts.stream.device()),
      everywhere_(segments({{0, parts.network.parameters().size()}})),
      owned_(segments(coordinator_.owned())),
      began_(std::chrono::steady_clock::now()) {
  check(config_.rule);
  if (config_.rule.ess == 0) config_.rule.ess = targets(parts.examples);
  const Device device = parts_.stream.device();
  const std::size_t size = parts_.network.parameters().size();
  state_.weights = WeightState(device, size);
  initialise(parts_.stream, parts_.network.parameters(), config_.seed, state_.weights.mean.span());
  rule_->start(parts_.stream, state_.weights);
  if (rule_->draws()) theta_ = Buffer<float>(device, size);
  if (keeps_gradient(*rule_, config_, this_ranks_shards().size())) {
    gradient_ = Buffer<float>(device, size);
  }
  parts_.network.reserve(parts_.stream, order_.shape().rows,
                         std::max<std::size_t>(parts_.examples.shape().context, 1));
}

Range NetworkTrainer::this_ranks_shards() const {
  return shards_of_rank(config_.batch.virtual_shards, parts_.communicator.size(),
                        parts_.communicator.rank());
}

StopReason NetworkTrainer::run() {
  const auto due = [](std::int64_t step, std::int64_t every) {
    return every > 0 && step % every == 0;
  };
  for (;;) {
    auto reason = report_.step < config_.steps ? step() : std::nullopt;
    const bool at_rest = !reason;  // not in the middle of a step
    if (at_rest && report_.step >= config_.steps) reason = StopReason::kSteps;
    if (at_rest && hooks_.validate && (reason || due(report_.step, hooks_.validate_every))) {
      hooks_.validate(*this);
    }
    if (hooks_.checkpoint && (reason || due(report_.step, hooks_.checkpoint_every))) {
      hooks_.checkpoint(state());
    }
    if (reason) return *reason;
  }
}

// lambda <- (1 - rho) lambda + rho (lambda_prior + sum over shards of message), at the rates and
// with the approximations of the rule.
std::optional<StopReason> NetworkTrainer::step() {
  const Stream& stream = parts_.stream;
  if (world_noise()) draw_together();  // posterior -> theta, one for all
  enter(Phase::kGathering);
  gather_evidence();  // theta, examples -> message
  enter(Phase::kReducing);
  const WeightMessage& sum = coordinator_.reduce(stream);  // message -> sum
  if (coordinator_.counts()[WeightMessage::kStop] > 0) return StopReason::kRequested;
  assess();  // sum -> metrics
  enter(Phase::kUpdating);
  if (!report_.skipped) update(sum);  // sum -> posterior -> ranks
  if (hooks_.report) hooks_.report(report_);
  ++report_.step;
  return std::nullopt;
}

void NetworkTrainer::enter(Phase phase) {
  parts_.communicator.activity().enter(phase, report_.step);
}

// Every virtual shard of this rank, in order. A rank that cannot read its data fails on all ranks,
// before anyone waits for its sum; so does one whose device fails, and what the device takes is in
// its time, which is why it is waited for here, once in a step.
void NetworkTrainer::gather_evidence() {
  agree(parts_.communicator, parts_.stream, [&] {
    const auto began = std::chrono::steady_clock::now();
    const Range shards = this_ranks_shards();
    for (std::size_t shard = shards.first; shard < shards.last; ++shard) {
      WeightMessage& message = coordinator_.open(parts_.stream);
      const std::size_t micro_steps = order_.shape().micro_steps;
      for (std::size_t first = 0; first < micro_steps; first += micro_steps_per_draw()) {
        const Range micros{first, first + micro_steps_per_draw()};
        learn(shard, micros, 1.0, message);
        if (antithetic()) learn(shard, micros, -1.0, message);
      }
      coordinator_.close(parts_.stream, shard);
    }
    parts_.stream.synchronize();
    gathering_seconds_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  });
}

// What the micro-batches of one draw teach.
void NetworkTrainer::learn(std::size_t shard, Range micros, double sign, WeightMessage& message) {
  const Stream& stream = parts_.stream;
  if (draws_of_its_own()) draw({weight_noise(report_.step, shard, micros.first), sign});
  const bool direct = gradient_.size() == 0;
  const std::span<float> gradient = direct ? message.gradient() : gradient_.span();
  if (!direct) apply(stream, FillOf<float>{.value = 0, .out = gradient.data()}, gradient.size());
  const std::span<float> squares =
      rule_->second() == Second::kExample ? message.second() : std::span<float>();
  std::size_t examples = 0;
  for (std::size_t micro = micros.first; micro < micros.last; ++micro) {
    parts_.communicator.activity().move();
    if (hooks_.stop_requested && hooks_.stop_requested()) {
      apply(stream, Fill{.value = 1, .out = &message.counts()[WeightMessage::kStop]}, 1);
    }
    const MicroBatch place{static_cast<std::uint64_t>(report_.step), shard, micro};
    const ExampleBatch batch = feed_.fetch(stream, order_.of(place));
    parts_.network.accumulate(stream, theta(), batch, dropout_noise(report_.step, shard, micro),
                              {.gradient = gradient, .squares = squares}, message.counts());
    examples += batch.examples;
  }
  if (!rule_->draws()) return;
  for (const auto& [range, decay] : everywhere_) {
    rule_->teach(stream, state_.weights, range, decay, theta().values, gradient,
                 static_cast<double>(examples), message);
  }
}

// theta becomes a draw of q, unless the last update has made it already.
void NetworkTrainer::draw(const Noise& noise) {
  if (drawn_ == noise) return;
  for (const auto& [range, decay] : everywhere_) {
    rule_->draw(parts_.stream, state_.weights, range, decay, noise.id, noise.sign, theta_.span());
  }
  drawn_ = noise;
}

// The draw that all shards share: every owner makes its part, by the posterior that it alone may
// hold.
void NetworkTrainer::draw_together() {
  if (!rule_->draws()) return;
  const Noise noise{weight_noise(report_.step, 0, 0), 1.0};
  if (drawn_ != noise) {
    for (const auto& [range, decay] : owned_) {
      rule_->draw(parts_.stream, state_.weights, range, decay, noise.id, noise.sign, theta_.span());
    }
    drawn_ = noise;
  }
  coordinator_.publish(parts_.stream, theta_.span());
}

void NetworkTrainer::assess() {
  const auto& counts = coordinator_.counts();
  const double examples = counts[WeightMessage::kExamples];
  const double norm = coordinator_.gradient_norm() / examples;
  report_.loss = counts[WeightMessage::kLoss] / examples;
  report_.accuracy = counts[WeightMessage::kCorrect] / examples;
  report_.examples = examples;
  report_.gradient_norm = norm;
  report_.learning_rate =
      config_.rule.learning_rate * scheduled(config_.schedule, report_.step, config_.steps);
  report_.clipped = config_.guard.clip > 0 && norm > config_.guard.clip;
  report_.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  judge(norm);
}

// Does the step do harm? Decided from what is the same on every rank.
void NetworkTrainer::judge(double norm) {
  const bool finite =
      norm * norm <= std::numeric_limits<float>::max() && std::isfinite(report_.loss);
  const bool outlier =
      config_.guard.outlier > 0 && usual_norm_ > 0 && norm > config_.guard.outlier * usual_norm_;
  report_.skipped = !finite || outlier;
  if (!report_.skipped) {
    skips_in_a_row_ = 0;
    usual_norm_ =
        usual_norm_ == 0 ? norm : kUsualNormMemory * usual_norm_ + (1 - kUsualNormMemory) * norm;
    return;
  }
  ++report_.skips;
  if (++skips_in_a_row_ < config_.guard.patience) return;
  throw Error(ExitCode::kNumerical,
              std::to_string(skips_in_a_row_) + " steps in a row had to be skipped, the last of " +
                  "them step " + std::to_string(report_.step) + ": " +
                  (finite ? "their gradients were outliers, of norm " + std::to_string(norm)
                          : "loss or gradient, or its square, were not finite") +
                  "; the last checkpoint stands; a smaller rule.learning_rate, guard.clip or a "
                  "longer schedule.warmup may help");
}

// By the owners; where this rank owns all, together with the first draw of its next step.
void NetworkTrainer::update(const WeightMessage& sum) {
  const Stream& stream = parts_.stream;
  WeightState& weights = state_.weights;
  const double clip = report_.clipped ? config_.guard.clip / report_.gradient_norm : 1.0;
  const std::optional<Noise> next = next_draw();
  ++weights.updates;
  for (const auto& [range, decay] : owned_) {
    rule_->update(stream,
                  {.step = weights.updates,
                   .learning_rate = report_.learning_rate,
                   .scale = clip / report_.examples,
                   .examples = report_.examples,
                   .range = range,
                   .decay = decay,
                   .message = &sum,
                   .theta = theta_.span(),
                   .next = next ? std::optional(next->id) : std::nullopt,
                   .next_theta = theta_.span()},
                  weights);
  }
  drawn_ = next;
  if (owns_all()) return;
  whole_ = false;
  if (world_noise() && rule_->draws()) return;  // theta goes round instead
  coordinator_.publish(stream, weights.mean.span());
  if (rule_->draws()) coordinator_.publish(stream, weights.curvature.span());
}

// The draw with which this rank's next step begins, if it can be made in the update.
std::optional<NetworkTrainer::Noise> NetworkTrainer::next_draw() const {
  if (!rule_->draws() || !(world_noise() || owns_all())) return std::nullopt;
  const Range shards = this_ranks_shards();
  if (!world_noise() && shards.size() == 0) return std::nullopt;
  return Noise{weight_noise(report_.step + 1, shards.first, 0), 1.0};
}

NoiseId NetworkTrainer::weight_noise(std::int64_t step, std::size_t shard,
                                     std::size_t micro) const {
  std::size_t draw = 0;
  if (config_.rule.noise == "shard") draw = shard;
  if (config_.rule.noise == "micro_batch") draw = shard * order_.shape().micro_steps + micro;
  return {config_.seed, static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(draw)};
}

NoiseId NetworkTrainer::dropout_noise(std::int64_t step, std::size_t shard,
                                      std::size_t micro) const {
  const std::size_t draw = shard * order_.shape().micro_steps + micro;
  return separate(
      {config_.seed, static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(draw)});
}

std::size_t NetworkTrainer::micro_steps_per_draw() const {
  return config_.rule.noise == "micro_batch" ? 1 : order_.shape().micro_steps;
}

// What the network is asked at. The two draws of a pair are rounded by noise of their own.
Theta NetworkTrainer::theta() const {
  if (!rule_->draws()) return state_.weights.mean.span();
  const NoiseId rounding = rounding_noise(drawn_->id);
  return {theta_.span(), drawn_->sign < 0 ? separate(rounding) : rounding};
}

double NetworkTrainer::decay_of(const ParameterTensor& tensor) const {
  return config_.rule.decay_of(tensor);
}

// The ranges, cut where the decay changes, without what lies between tensors.
std::vector<NetworkTrainer::Segment> NetworkTrainer::segments(
    const std::vector<Range>& ranges) const {
  std::vector<Segment> segments;
  for (const ParameterTensor& tensor : parts_.network.parameters().tensors()) {
    const auto [first, last] = tensor.range();
    const double decay = decay_of(tensor);
    for (const Range range : ranges) {
      const Range common{std::max(first, range.first), std::min(last, range.last)};
      if (common.first >= common.last) continue;
      if (!segments.empty() && segments.back().range.last == common.first &&
          segments.back().decay == decay) {
        segments.back().range.last = common.last;
      } else {
        segments.push_back({common, decay});
      }
    }
  }
  return segments;
}

const WeightState& NetworkTrainer::weights() {
  if (!whole_) {
    coordinator_.publish(parts_.stream, state_.weights.mean.span());
    coordinator_.publish(parts_.stream, state_.weights.curvature.span());
    coordinator_.publish(parts_.stream, state_.weights.momentum.span());
    whole_ = true;
  }
  return state_.weights;
}

const WeightTrainingState& NetworkTrainer::state() {
  weights();
  state_.step = report_.step;
  state_.scalars = {{"skips", static_cast<double>(report_.skips)},
                    {"skips_in_a_row", static_cast<double>(skips_in_a_row_)},
                    {"usual_norm", usual_norm_}};
  return state_;
}

void NetworkTrainer::write_mean(std::span<float> theta) {
  const WeightState& whole = weights();
  for (const auto& [range, decay] : everywhere_) rule_->mean(parts_.stream, whole, range, theta);
}

void NetworkTrainer::write_sd(std::span<float> sd) {
  const WeightState& whole = weights();
  for (const auto& [range, decay] : everywhere_) {
    rule_->sigma(parts_.stream, whole, range, decay, sd);
  }
}

std::size_t NetworkTrainer::start_at(std::span<const float> mean, std::vector<float> curvature) {
  copy<float>(parts_.stream, mean, state_.weights.mean.span());
  rule_->start(parts_.stream, state_.weights);
  if (curvature.empty()) return 0;
  std::size_t improper = 0;
  for (const auto& [range, decay] : everywhere_) {
    const float least = rule_->least_curvature(decay);
    for (float& h : std::span(curvature).subspan(range.first, range.size())) {
      if (h >= least) continue;
      h = static_cast<float>(config_.rule.initial_curvature);
      ++improper;
    }
  }
  copy<float>(parts_.stream, curvature, state_.weights.curvature.span());
  return improper;
}

void NetworkTrainer::restore(const WeightTrainingState& state) {
  const auto take = [&](const Buffer<float>& from, Buffer<float>& to) {
    copy<float>(parts_.stream, from.span(), to.span());
  };
  take(state.weights.mean, state_.weights.mean);
  take(state.weights.curvature, state_.weights.curvature);
  take(state.weights.momentum, state_.weights.momentum);
  state_.weights.updates = state.weights.updates;
  report_.step = state.step;
  report_.skips = static_cast<std::int64_t>(state.scalars.at("skips"));
  skips_in_a_row_ = static_cast<std::int64_t>(state.scalars.at("skips_in_a_row"));
  usual_norm_ = state.scalars.at("usual_norm");
  drawn_.reset();
  whole_ = true;
}

}  // namespace bayesum
