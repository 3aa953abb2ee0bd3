#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <optional>

#include <spdlog/logger.h>

#include "core/agree.hpp"
#include "core/checkpoint.hpp"
#include "core/data/memory.hpp"
#include "core/files/hash.hpp"
#include "core/run_folder.hpp"
#include "core/sites.hpp"
#include "core/staging.hpp"
#include "distributed/mpi.hpp"
#include "launch/commands.hpp"
#include "launch/log.hpp"
#include "launch/progress.hpp"
#include "launch/report.hpp"
#include "launch/signals.hpp"
#include "launch/table.hpp"
#include "models/continuation.hpp"
#include "models/posterior_distance.hpp"
#include "models/trained_model.hpp"

namespace bayesum {
namespace {

// Collective: how many ranks share this one's memory.
std::size_t ranks_on_this_host(const Stream& stream, Communicator& ranks) {
  const std::string name = host_name();
  std::vector<std::uint64_t> hosts(static_cast<std::size_t>(ranks.size()));
  const auto mine = static_cast<std::size_t>(ranks.rank());
  hosts[mine] = hash_of(std::as_bytes(std::span(name)));
  const std::vector<std::size_t> counts(hosts.size(), 1);
  on_wire(stream, ranks, std::span(hosts), [&](const Stream& wire, auto payload) {
    ranks.all_gather(wire, payload.subspan(mine, 1), counts, payload);
  });
  return static_cast<std::size_t>(std::ranges::count(hosts, hosts[mine]));
}

// One rank's part in a training.
class Training {
 public:
  Training(const TrainConfig& config, Communicator& ranks, const Stream& stream)
      : config_(config), ranks_(ranks), stream_(stream), is_root_(ranks.rank() == 0) {}

  StopReason run() {
    open_folder();
    try {
      return train();
    } catch (const std::exception& error) {
      log_->error(error.what());
      throw;
    }
  }

 private:
  StopReason train();
  void open_folder();
  void begin_folder();
  void take_up();
  void read_data();
  void make_model_of_data();
  std::optional<TrainingState> newest_state();
  void share(TrainingState& state);
  Trainer::Hooks hooks();
  void save(const TrainingState& state);
  const PriorConfig& prior_config() const {
    return continuation_ ? continuation_->prior_config : config_.prior;
  }
  TrainedModel trained_model(const TrainingResult& result) const;
  void keep_sites(const TrainingResult& result);
  void tell(const TrainedModel& trained, StopReason reason) const;
  std::string where() const;
  std::string dropped_text() const;

  TrainConfig config_;
  Communicator& ranks_;
  const Stream& stream_;
  bool is_root_;
  std::optional<RunFolder> folder_;  // of rank 0
  std::optional<TrainedModel> start_;
  std::optional<Continuation> continuation_;
  std::shared_ptr<spdlog::logger> log_;
  std::optional<Dataset> data_;
  DataSummary summary_;
  Sources sources_;
  std::unique_ptr<Model> model_;
  CheckpointIdentity identity_;
  std::optional<Progress> progress_;  // of rank 0
};

StopReason Training::train() {
  take_up();
  read_data();
  make_model_of_data();
  Trainer trainer({stream_, ranks_, *data_, *model_},
                  {config_.rule, config_.coordinator, config_.stop,
                   static_cast<std::uint64_t>(config_.run.seed)},
                  hooks());
  if (continuation_ && continuation_->start) trainer.start_at(*continuation_->start);
  const auto state = newest_state();
  begin_folder();
  if (state) trainer.restore(*state);

  const TrainingResult result = trainer.run();
  if (is_root_) progress_->finish(result.last);
  progress_.reset();
  log_->info("{} at step {}", to_string(result.reason), result.last.step);
  if (result.reason == StopReason::kRequested) {
    if (is_root_) {
      std::cout << "stopped on request at step " << result.last.step << "; go on with --resume auto"
                << std::endl;
    }
    return result.reason;
  }
  keep_sites(result);
  agree(ranks_, stream_, [&] {
    if (!is_root_) return;
    const TrainedModel trained = trained_model(result);
    write_tensors(folder_->posterior(), trained.to_file());
    tell(trained, result.reason);
  });
  return result.reason;
}

void Training::open_folder() {
  agree(ranks_, stream_, [&] {
    if (!is_root_) return;
    folder_.emplace(config_.run.dir, config_.run.resume == "auto", config_.run.overwrite);
  });
  agree(ranks_, stream_, [&] {
    const auto file = std::filesystem::path(config_.run.dir) / "log.txt";
    log_ = make_log(file, config_.run.log, ranks_.rank());
  });
  log_->info("training on {}", where());
}

void Training::begin_folder() {
  agree(ranks_, stream_, [&] {
    if (!is_root_) return;
    TrainConfig resolved = config_;
    Fields fields;
    resolved.describe(fields);
    folder_->begin(to_toml(fields));
  });
}

// What is continued from earlier runs, read by every rank.
void Training::take_up() {
  agree(ranks_, stream_, [&] {
    Ancestors ancestors;
    const auto read = [](const std::string& path, std::optional<TrainedModel>& trained) {
      if (!path.empty()) trained = load_trained(path);
    };
    read(config_.prior.posterior, ancestors.posterior);
    read(config_.prior.like, ancestors.like);
    read(config_.run.start, ancestors.start);
    continuation_ = continue_from(ancestors, config_.model, config_.data);
    start_ = std::move(ancestors.start);
  });
  identity_.config = config_.identity();
  if (!continuation_) return;
  identity_.config += "\n[earlier]\nruns = \"" + hash_text(continuation_->fingerprint()) + "\"\n";
  config_.data.features = continuation_->features;
  config_.data.categories = continuation_->categories;
  config_.data.missing = continuation_->missing;
}

void Training::read_data() {
  DataConfig data = config_.data;
  const std::size_t sharing = ranks_on_this_host(stream_, ranks_);
  if (data.cache_mib < 0 && !stream_.on_cuda()) {
    data.cache_mib = automatic_cache_mib(sharing);
    log_->info("up to {} MiB of rows are kept in memory", data.cache_mib);
  }
  agree(ranks_, stream_, [&] {
    data_.emplace(data, support_of(config_.model.name));
    if (continuation_) data_->expect(continuation_->design);
  });
  require_same(ranks_, stream_, hash_of(std::as_bytes(std::span(identity_.config))),
               "configuration");
  require_same(ranks_, stream_, data_->layout(), "header or size of " + config_.data.path);
  summary_ = data_->scan(stream_, ranks_);
  log_->info("{} has {}, {}", config_.data.path, counted(summary_.rows, "row"),
             counted(data_->inputs().size(), "input"));
  if (summary_.dropped > 0) {
    log_->warn("{} with a missing value dropped", counted(summary_.dropped, "row"));
  }
}

void Training::make_model_of_data() {
  agree(ranks_, stream_, [&] {
    if (config_.run.keep_sites == "group" && data_->groups().empty()) {
      throw Error(ExitCode::kUsage, "run.keep_sites = \"group\" needs data.group");
    }
    const Design design =
        continuation_ ? continuation_->design : make_design(config_.model, *data_, summary_);
    model_ = make_model(config_.model, prior_config(), design, summary_,
                        static_cast<std::uint64_t>(config_.run.seed));
    data_->set_design(design, model_->takes_sparse() && !stream_.on_cuda());
    sources_ = sources_of(summary_, config_.data);
    if (!continuation_) return;
    model_->set_prior(continuation_->prior);
    if (sources_.shares_with(continuation_->prior_sources) && !config_.prior.allow_overlap) {
      throw Error(ExitCode::kUsage,
                  "prior.posterior has learned from these data already, in part at least: leave "
                  "them out, or say prior.allow_overlap = true");
    }
    sources_.add(continuation_->prior_sources, 1);
  });
  identity_.fingerprint = summary_.fingerprint;
  if (!is_root_) return;
  std::cout << config_.model.name << " model of " << config_.data.path << ": "
            << counted(summary_.rows, "row") << dropped_text() << ", "
            << counted(data_->design().features.size(), "feature") << ", on " << where()
            << std::endl;
  // mpirun gives stdout a terminal of its own, stderr not.
  const bool terminal = isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
  progress_.emplace(stdout, terminal, config_.stop.steps);
}

// That of the newest checkpoint, read by rank 0, when there is one to go on from.
std::optional<TrainingState> Training::newest_state() {
  if (config_.run.resume != "auto") return std::nullopt;
  std::optional<TrainingState> state;
  agree(ranks_, stream_, [&] {
    if (!is_root_) return;
    const auto warn = [&](const std::string& sentence) { log_->warn(sentence); };
    state = load_checkpoint(folder_->checkpoints(), identity_, model_->initial_posterior(), warn);
  });
  double found = state ? 1.0 : 0.0;
  on_wire(stream_, ranks_, std::span(&found, 1),
          [&](const Stream& wire, auto payload) { ranks_.broadcast(wire, payload, 0); });
  if (found == 0) return std::nullopt;
  if (!state) state = TrainingState{0, 0, model_->initial_posterior(), {}};
  share(*state);
  log_->info("going on from step {}", state->step);
  if (is_root_) std::cout << "going on from the checkpoint of step " << state->step << std::endl;
  return state;
}

// From rank 0 to all.
void Training::share(TrainingState& state) {
  const auto broadcast = [&](std::span<double> values) {
    on_wire(stream_, ranks_, values,
            [&](const Stream& wire, auto payload) { ranks_.broadcast(wire, payload, 0); });
  };
  const std::size_t size = state.posterior.size();
  state.control.scalars.resize(StepControl({}).save().scalars.size());
  state.control.base_natural.resize(size);
  state.control.base_message.resize(size);
  auto step = static_cast<double>(state.step);
  broadcast({&step, 1});
  state.step = static_cast<std::int64_t>(step);
  broadcast({&state.previous_elbo, 1});
  broadcast(state.posterior.natural());
  broadcast(state.control.scalars);
  broadcast(state.control.base_natural);
  broadcast(state.control.base_message);
}

Trainer::Hooks Training::hooks() {
  const auto report = [this](const StepReport& step) {
    if (!is_root_) return;
    folder_->write_metrics(step);
    log_->debug("step {}: ELBO {}, residual {}, rho {}", step.step, step.elbo, step.residual,
                step.rho);
    progress_->show(step);
  };
  return {.report = report,
          .checkpoint = [this](const TrainingState& state) { save(state); },
          .checkpoint_every = config_.run.checkpoint_every,
          .stop_requested = stop_requested};
}

void Training::save(const TrainingState& state) {
  agree(ranks_, stream_, [&] {
    if (is_root_) save_checkpoint(folder_->checkpoints(), identity_, state);
  });
  log_->info("saved the checkpoint of step {}", state.step);
}

// Of the posterior that training ended with.
void Training::keep_sites(const TrainingResult& result) {
  if (config_.run.keep_sites == "no") return;
  const std::string column = config_.run.keep_sites == "group" ? config_.data.group : "";
  const Sites sites =
      gather_sites({stream_, ranks_, *data_, *model_}, result.posterior, summary_, column);
  agree(ranks_, stream_, [&] {
    if (is_root_) write_tensors(folder_->sites(), sites.to_file());
  });
  log_->info("kept {}", counted(sites.sites.size(), "site"));
}

TrainedModel Training::trained_model(const TrainingResult& result) const {
  return {.model = config_.model,
          .prior_config = prior_config(),
          .columns = config_.data,
          .design = data_->design(),
          .summary = summary_,
          .posterior = result.posterior,
          .prior = model_->prior(),
          .fit = result.last,
          .seed = static_cast<std::uint64_t>(config_.run.seed),
          .sources = sources_,
          .prior_sources = continuation_ ? continuation_->prior_sources : Sources()};
}

void Training::tell(const TrainedModel& trained, StopReason reason) const {
  const StepReport& fit = trained.fit;
  const Traffic& traffic = ranks_.traffic();
  Table table({"ELBO", rounded(fit.elbo, 12)});
  table.add({"residual", rounded(fit.residual, 3)});
  table.add({"steps", std::to_string(fit.step) + " (" + to_string(reason) + ")"});
  table.add({"time", seconds_text(fit.seconds)});
  table.add({"ranks", where()});
  if (ranks_.size() > 1) {
    table.add({"communicated", bytes_text(static_cast<double>(traffic.bytes)) + " in " +
                                   std::to_string(traffic.calls) + " calls by rank 0"});
  }
  if (start_) {
    const PosteriorDistance moved = distance(*start_, trained);
    table.add({"from the start", "symmetrised KL " + rounded(moved.symmetrised_kl, 3) +
                                     ", means moved by at most " + rounded(moved.largest_shift, 3) +
                                     " sd"});
  }
  table.add({"posterior", folder_->posterior().string()});
  if (config_.run.keep_sites != "no") table.add({"sites", folder_->sites().string()});
  std::cout << "\n" << coefficient_table(trained) << "\n" << table.text(Table::kLeft) << std::flush;
}

std::string Training::dropped_text() const {
  if (summary_.dropped == 0) return "";
  return " (" + std::to_string(summary_.dropped) + " more dropped for a missing value)";
}

std::string Training::where() const {
  return counted(static_cast<std::size_t>(ranks_.size()), "rank") + " (" + ranks_.name() + ", " +
         (stream_.on_cuda() ? "cuda" : "cpu") + ")";
}

}  // namespace

ExitCode train(const TrainOptions& options, Job& job) {
  TrainConfig config;
  agree(job.ranks(), Stream(),
        [&] { config = load_train_config(options.config, options.overrides); });
  watch_signals();
  std::atomic<StopReason> reason{};
  run_on_ranks(job, config.run, [&](Communicator& ranks, const Stream& stream) {
    reason = Training(config, ranks, stream).run();
  });
  return reason == StopReason::kRequested ? ExitCode::kStopped : ExitCode::kDone;
}

}  // namespace bayesum
