#include "launch/network/train_network.hpp"

#include <array>
#include <iostream>
#include <map>
#include <optional>

#include "core/agree.hpp"
#include "core/data/memory.hpp"
#include "core/files/hash.hpp"
#include "core/weights/held_out.hpp"
#include "core/weights/network_metrics.hpp"
#include "core/weights/weight_checkpoint.hpp"
#include "distributed/mpi.hpp"
#include "launch/machine.hpp"
#include "launch/network/network_config.hpp"
#include "launch/network/plan.hpp"
#include "launch/network/straggler.hpp"
#include "launch/run_session.hpp"
#include "launch/signals.hpp"
#include "launch/table.hpp"
#include "models/network/base_weights.hpp"
#include "models/network/network_start.hpp"
#include "models/network/open_network.hpp"

namespace bayesum {
namespace {

double per_second(const NetworkReport& report, const NetworkReport& first) {
  const double seconds = report.seconds - first.seconds;
  const auto steps = static_cast<double>(report.step - first.step);
  return seconds > 0 ? steps * report.examples / seconds : 0.0;
}

// A learning rate that falls has been another all along where the last step is another.
std::string advice_on_steps(const ScheduleConfig& schedule) {
  return "schedule.name = \"" + schedule.name +
         "\" falls until the last step: train on from the weights with --start in another folder, "
         "or with \"constant\" from the beginning, which goes on for any number of steps";
}

// One rank's part in a training.
class NetworkTraining {
 public:
  NetworkTraining(const NetworkTrainConfig& config, RunSession& session)
      : config_(config), session_(session), ranks_(session.ranks()), stream_(session.stream()) {}

  StopReason train();

 private:
  void open();
  void take_start();
  void write_base();
  void check_memory();
  NetworkTrainer::Hooks hooks();
  std::optional<WeightTrainingState> newest_state(NetworkTrainer& trainer);
  void share(WeightTrainingState& state);
  void report(const NetworkReport& report);
  void validate(NetworkTrainer& trainer);
  void save(const WeightTrainingState& state);
  void write_posterior(NetworkTrainer& trainer);
  void tell(const NetworkReport& last, StopReason reason, const std::string& straggler) const;
  std::string what_is_counted() const { return is_text() ? "tokens" : "examples"; }
  bool is_text() const { return sets_.training->shape().is_tokens(); }
  std::uint64_t seed() const { return static_cast<std::uint64_t>(config_.run.seed); }

  NetworkTrainConfig config_;
  RunSession& session_;
  Communicator& ranks_;
  const Stream& stream_;
  ExampleSets sets_;
  std::unique_ptr<Network> network_;
  std::optional<ExampleFeed> held_out_;
  NetworkStart start_;      // empty: at the network's initial weights
  std::uint64_t base_ = 0;  // hash of the weights that adapters adapt
  CheckpointIdentity identity_;
  std::optional<NetworkReport> first_;
  std::optional<ValidationReport> validation_;
};

StopReason NetworkTraining::train() {
  open();
  std::optional<NetworkTrainer> trainer;
  agree(ranks_, stream_, [&] {
    trainer.emplace(NetworkTrainer::Parts{stream_, ranks_, *sets_.training, *network_},
                    config_.trainer(), hooks());
  });
  if (!start_.mean.empty()) {
    const std::size_t improper = trainer->start_at(start_.mean, std::move(start_.curvature));
    if (improper > 0) {
      session_.log().warn(
          "{} weights start at rule.initial_curvature: theirs is no posterior under this "
          "rule.weight_decay",
          improper);
    }
  }
  start_ = {};
  auto state = newest_state(*trainer);
  session_.begin(config_.toml());
  session_.begin_progress(config_.steps);
  if (state) trainer->restore(*state);
  state.reset();

  const StopReason reason = trainer->run();
  const NetworkReport& last = trainer->last_report();
  const std::string straggler = straggler_text(
      trainer->gathering_seconds(), trainer->this_ranks_shards().size(), stream_, ranks_);
  if (!straggler.empty()) session_.log().info(straggler);
  session_.log().info("moved {} bytes in {} calls", ranks_.traffic().bytes, ranks_.traffic().calls);
  session_.finish(reason, {last.step, last.seconds, "loss " + rounded(last.loss, 5)});
  if (reason == StopReason::kRequested) return reason;
  write_posterior(*trainer);
  session_.log().info("peak memory {} bytes", peak_memory_bytes());
  if (session_.is_root()) tell(last, reason, straggler);
  return reason;
}

// Before anything is taken: by the plan, where the memory is that of this host.
void NetworkTraining::check_memory() {
  const std::size_t usable = usable_memory_bytes() / ranks_that_say(host_name(), stream_, ranks_);
  agree(ranks_, stream_, [&] {
    const Examples& examples = *sets_.training;
    const double needed = total(plan_network(config_, examples.shape(), examples.size(),
                                             network_->parameters(), ranks_.size())
                                    .memory);
    if (stream_.on_cuda() || usable == 0 || needed <= static_cast<double>(usable)) return;
    throw Error(ExitCode::kDevice, "this training does not fit in memory: a rank needs " +
                                       std::to_string(static_cast<std::uint64_t>(needed)) +
                                       " bytes, there are " + std::to_string(usable) +
                                       " for it; `bayesum plan` says what takes them");
  });
}

// Data and network, which every rank comes to by itself.
void NetworkTraining::open() {
  ranks_.activity().enter(Phase::kReading);
  agree(ranks_, stream_, [&] {
    const bool classes = config_.model.likelihood == "classification";
    const auto design = starting_design(config_.run.start, config_.model, config_.data);
    sets_ = design
                ? open_examples(config_.data, *design)
                : open_examples(config_.data, classes ? Response::kClass : Response::kReal, seed());
    network_ = make_network(config_.model, sets_.training->shape());
  });
  check_memory();
  agree(ranks_, stream_, [&] {
    if (sets_.validation) {
      held_out_.emplace(*sets_.validation, static_cast<std::size_t>(config_.data.batch),
                        stream_.device());
    }
  });
  identity_ = {config_.identity(),
               sets_.training->fingerprint(),
               {{"stop.steps", advice_on_steps(config_.schedule)}}};
  take_start();
  require_same(ranks_, stream_, hash_of(std::as_bytes(std::span(identity_.config))),
               "configuration");
  require_same(ranks_, stream_, identity_.fingerprint, "data of " + config_.data.path);
  session_.log().info("{} has {} examples", config_.data.path, sets_.training->size());
  if (!session_.is_root()) return;
  const ExampleShape& shape = sets_.training->shape();
  std::cout << network_->name() << " of " << network_->parameters().count() << " parameters, "
            << sets_.training->size()
            << (is_text() ? " windows of " + std::to_string(shape.context) + " tokens"
                          : " examples of " + counted(shape.features, "feature"))
            << " in " << config_.data.path << ", on " << session_.where() << std::endl;
}

// Read by rank 0 and given to all. Adapters take it as the weights that they adapt.
void NetworkTraining::take_start() {
  LowRank* const adapters = adapters_of(*network_);
  agree(ranks_, stream_, [&] {
    if (adapters == nullptr || !config_.run.start.empty()) return;
    throw Error(ExitCode::kUsage,
                "lora.rank = " + std::to_string(config_.model.lora.rank) +
                    " trains adapters of weights that are there: name a run or a GPT-2 of Hugging "
                    "Face's by run.start (--start)");
  });
  if (config_.run.start.empty()) return;
  const ParameterSpace& weights =
      adapters == nullptr ? network_->parameters() : adapters->network().parameters();
  agree(ranks_, stream_, [&] {
    if (!session_.is_root()) return;
    NetworkDescription description = describe_network(config_.model, config_.data, sets_);
    description.rule = config_.rule.name;
    start_ = read_network_start(config_.run.start,
                                {config_.model, description, sets_.training->shape(), weights});
  });
  std::array<std::uint64_t, 2> facts{start_.fingerprint, start_.curvature.size()};
  session_.share(std::span<std::uint64_t>(facts));
  start_.mean.resize(weights.size());
  start_.curvature.resize(facts[1]);
  session_.share(std::span<float>(start_.mean));
  session_.share(std::span<float>(start_.curvature));
  identity_.config += "\n[earlier]\nstart = \"" + hash_text(facts[0]) + "\"\n";
  session_.log().info("training starts at {}{}", config_.run.start,
                      facts[1] == 0 ? "" : ", with its curvature");
  if (adapters == nullptr) return;
  agree(ranks_, stream_, [&] { adapters->set_base(stream_, start_.mean); });
  base_ = hash_of_weights(start_.mean);
  start_ = {};
}

NetworkTrainer::Hooks NetworkTraining::hooks() {
  return {.report = [this](const NetworkReport& step) { report(step); },
          .validate = [this](NetworkTrainer& trainer) { validate(trainer); },
          .validate_every = config_.validation.every,
          .checkpoint = [this](const WeightTrainingState& state) { save(state); },
          .checkpoint_every = config_.run.checkpoint_every,
          .stop_requested = stop_requested};
}

// That of the newest checkpoint, when there is one to go on from.
std::optional<WeightTrainingState> NetworkTraining::newest_state(NetworkTrainer& trainer) {
  const std::map<std::string, double> scalars = trainer.state().scalars;
  return session_.resume<WeightTrainingState>(
      [&](const auto& folder, const auto& warn) {
        return load_weight_checkpoint(stream_, folder, identity_, network_->parameters(), scalars,
                                      warn);
      },
      [&] {
        const std::size_t size = network_->parameters().size();
        return WeightTrainingState{0, WeightState(stream_.device(), size), scalars};
      },
      [&](WeightTrainingState& state) { share(state); });
}

// All but its step.
void NetworkTraining::share(WeightTrainingState& state) {
  auto updates = static_cast<std::uint64_t>(state.weights.updates);
  session_.share(std::span(&updates, 1));
  state.weights.updates = static_cast<std::int64_t>(updates);
  for (auto& [name, value] : state.scalars) session_.share(std::span(&value, 1));
  for (Buffer<float>* vector :
       {&state.weights.mean, &state.weights.curvature, &state.weights.momentum}) {
    std::vector<float> host(vector->size());
    copy<float>(stream_, vector->span(), host);
    session_.share(std::span<float>(host));
    copy<float>(stream_, host, vector->span());
  }
}

void NetworkTraining::report(const NetworkReport& step) {
  if (!first_) first_ = step;
  if (!session_.is_root()) return;
  const double rate = per_second(step, *first_);
  session_.folder().write_metrics(metrics_json(step));
  session_.plot(step.step, {{"loss", step.loss},
                            {"learning_rate", step.learning_rate},
                            {"gradient_norm", step.gradient_norm}});
  if (step.skipped) session_.log().warn("step {} was skipped", step.step);
  std::string words = "loss " + rounded(step.loss, 5);
  if (validation_) words += "  held-out " + rounded(validation_->loss, 5);
  if (step.skips > 0) words += "  skipped " + std::to_string(step.skips);
  if (rate > 0) words += "  " + rounded(rate, 3) + " " + what_is_counted() + "/s";
  session_.show({step.step, step.seconds, words});
}

// At the mean of the posterior.
void NetworkTraining::validate(NetworkTrainer& trainer) {
  if (!held_out_) return;
  Buffer<float> mean(stream_.device(), network_->parameters().size());
  trainer.write_mean(mean.span());
  const auto counts = score_in_order(stream_, ranks_, *network_, mean.span(), *held_out_,
                                     static_cast<std::uint64_t>(config_.validation.examples));
  const double examples = counts[WeightMessage::kExamples];
  validation_ = {trainer.step_number(), counts[WeightMessage::kLoss] / examples,
                 counts[WeightMessage::kCorrect] / examples};
  if (!session_.is_root()) return;
  session_.folder().write_metrics(metrics_json(*validation_));
  session_.plot(validation_->step, {EventFile::Scalar{"validation_loss", validation_->loss}});
  session_.log().info("step {}: held-out loss {}, accuracy {}", trainer.step_number(),
                      validation_->loss, validation_->accuracy);
}

void NetworkTraining::save(const WeightTrainingState& state) {
  session_.save(state.step, [&](const auto& folder) {
    save_weight_checkpoint(stream_, folder, identity_, network_->parameters(), state);
  });
}

void NetworkTraining::write_posterior(NetworkTrainer& trainer) {
  const std::size_t size = network_->parameters().size();
  Buffer<float> mean(stream_.device(), size);
  Buffer<float> sd(stream_.device(), size);
  trainer.write_mean(mean.span());
  trainer.write_sd(sd.span());
  NetworkDescription description = describe_network(config_.model, config_.data, sets_);
  description.rule = config_.rule.name;
  description.ess = trainer.ess();
  description.seed = seed();
  description.step = trainer.step_number();
  description.base = base_;
  session_.write([&] {
    write_base();
    write_network(stream_, session_.folder().posterior(), description, network_->parameters(),
                  {mean.span(), sd.span(), trainer.weights().curvature.span()});
  });
}

// Before the posterior, which is nothing without it.
void NetworkTraining::write_base() {
  LowRank* const adapters = adapters_of(*network_);
  if (adapters == nullptr) return;
  bayesum::write_base(stream_, session_.folder().posterior(), adapters->network().parameters(),
                      adapters->base(stream_));
}

void NetworkTraining::tell(const NetworkReport& last, StopReason reason,
                           const std::string& straggler) const {
  Table table({"loss", rounded(last.loss, 5) + " in the last step"});
  if (validation_) {
    table.add({"held-out", rounded(validation_->loss, 5) + " at the mean" +
                               (is_text() || config_.model.likelihood == "classification"
                                    ? ", accuracy " + fixed(validation_->accuracy, 4)
                                    : "")});
  }
  table.add({"steps", std::to_string(last.step) + " (" + to_string(reason) + ")"});
  table.add({"time", seconds_text(last.seconds)});
  if (first_) {
    table.add({"speed", rounded(per_second(last, *first_), 3) + " " + what_is_counted() + "/s"});
  }
  if (!straggler.empty()) table.add({"straggler", straggler});
  session_.tell_ranks(table);
  table.add({"posterior", session_.folder().posterior().string()});
  std::cout << "\n" << table.text(Table::kLeft) << std::flush;
}

}  // namespace

ExitCode train_network(const TrainOptions& options, Job& job) {
  NetworkTrainConfig config;
  agree(job.ranks(), Stream(),
        [&] { config = load_network_config(options.config, options.overrides); });
  return run_training(job, config.run, [&](RunSession& session) {
    return NetworkTraining(config, session).train();
  });
}

}  // namespace bayesum
