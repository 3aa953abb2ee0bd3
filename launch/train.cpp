#include <algorithm>
#include <iostream>
#include <optional>

#include "core/agree.hpp"
#include "core/checkpoint.hpp"
#include "core/data/memory.hpp"
#include "core/files/field_text.hpp"
#include "core/files/hash.hpp"
#include "core/sites.hpp"
#include "distributed/mpi.hpp"
#include "launch/commands.hpp"
#include "launch/network/network_config.hpp"
#include "launch/network/train_network.hpp"
#include "launch/report.hpp"
#include "launch/run_session.hpp"
#include "launch/signals.hpp"
#include "launch/table.hpp"
#include "models/continuation.hpp"
#include "models/network/make_network.hpp"
#include "models/posterior_distance.hpp"
#include "models/trained_model.hpp"

namespace bayesum {
namespace {

// Columns that data.categories names but whose texts are numbers, and of so many values that they
// may have been meant as numbers: with that many levels each.
std::vector<Input> doubtful_categories(const Dataset& data, const Strings& named,
                                       std::uint64_t rows) {
  constexpr std::size_t kManyLevels = 50;
  std::vector<Input> doubtful;
  for (const Input& input : data.inputs()) {
    if (std::ranges::find(named, input.name) == named.end()) continue;
    const bool many = input.levels.size() > kManyLevels || 2 * input.levels.size() > rows;
    const auto is_one = [](const std::string& level) { return is_number(level); };
    if (many && std::ranges::all_of(input.levels, is_one)) doubtful.push_back(input);
  }
  return doubtful;
}

Progress::Moment moment_of(const StepReport& report) {
  const std::string about = report.estimate ? "about " : "";
  std::string words = "ELBO " + about + rounded(report.elbo, 10) + "  residual " + about +
                      rounded(report.residual, 3);
  if (report.backtracks > 0) words += "  backtracks " + std::to_string(report.backtracks);
  return {report.step, report.seconds, words};
}

// One rank's part in a training.
class Training {
 public:
  Training(const TrainConfig& config, RunSession& session)
      : config_(config), session_(session), ranks_(session.ranks()), stream_(session.stream()) {}

  StopReason train();

 private:
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
  std::string dropped_text() const;

  TrainConfig config_;
  RunSession& session_;
  Communicator& ranks_;
  const Stream& stream_;
  std::optional<TrainedModel> start_;
  std::optional<Continuation> continuation_;
  std::optional<Dataset> data_;
  DataSummary summary_;
  Sources sources_;
  std::unique_ptr<Model> model_;
  CheckpointIdentity identity_;
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
  session_.begin(config_.toml());
  if (state) trainer.restore(*state);

  const TrainingResult result = trainer.run();
  session_.finish(result.reason, moment_of(result.last));
  if (result.reason == StopReason::kRequested) return result.reason;
  keep_sites(result);
  session_.write([&] {
    const TrainedModel trained = trained_model(result);
    write_tensors(session_.folder().posterior(), trained.to_file());
    tell(trained, result.reason);
  });
  return result.reason;
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
  ranks_.activity().enter(Phase::kReading);
  DataConfig data = config_.data;
  const std::size_t sharing = ranks_that_say(host_name(), stream_, ranks_);
  if (data.cache_mib < 0 && !stream_.on_cuda()) {
    data.cache_mib = automatic_cache_mib(sharing);
    session_.log().info("up to {} MiB of rows are kept in memory", data.cache_mib);
  }
  agree(ranks_, stream_, [&] {
    data_.emplace(data, support_of(config_.model.name));
    if (continuation_) data_->expect(continuation_->design);
  });
  require_same(ranks_, stream_, hash_of(std::as_bytes(std::span(identity_.config))),
               "configuration");
  require_same(ranks_, stream_, data_->layout(), "header or size of " + config_.data.path);
  summary_ = data_->scan(stream_, ranks_);
  session_.log().info("{} has {}, {}", config_.data.path, counted(summary_.rows, "row"),
                      counted(data_->inputs().size(), "input"));
  if (summary_.dropped > 0) {
    session_.log().warn("{} with a missing value dropped", counted(summary_.dropped, "row"));
  }
  if (!session_.is_root() || continuation_) return;
  for (const Input& input : doubtful_categories(*data_, config_.data.categories, summary_.rows)) {
    session_.log().warn("data.categories: '{}' has {} for {}, all of them numbers; is it a number?",
                        input.name, counted(input.levels.size(), "level"),
                        counted(summary_.rows, "row"));
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
    data_->set_design(design, keeps_sparse(*model_, design) && !stream_.on_cuda());
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
  if (!session_.is_root()) return;
  std::cout << config_.model.name << " model of " << config_.data.path << ": "
            << counted(summary_.rows, "row") << dropped_text() << ", "
            << counted(data_->design().features.size(), "feature") << ", on " << session_.where()
            << std::endl;
  session_.begin_progress(config_.stop.steps);
}

// That of the newest checkpoint, when there is one to go on from.
std::optional<TrainingState> Training::newest_state() {
  return session_.resume<TrainingState>(
      [&](const auto& folder, const auto& warn) {
        return load_checkpoint(folder, identity_, model_->initial_posterior(), warn);
      },
      [&] {
        return TrainingState{0, 0, model_->initial_posterior(), {}};
      },
      [&](TrainingState& state) { share(state); });
}

// All but its step.
void Training::share(TrainingState& state) {
  const auto broadcast = [&](std::span<double> values) { session_.share(values); };
  const std::size_t size = state.posterior.size();
  state.control.scalars.resize(StepControl({}).save().scalars.size());
  state.control.base_natural.resize(size);
  state.control.base_message.resize(size);
  broadcast({&state.previous_elbo, 1});
  broadcast(state.posterior.natural());
  broadcast(state.control.scalars);
  broadcast(state.control.base_natural);
  broadcast(state.control.base_message);
}

Trainer::Hooks Training::hooks() {
  const auto report = [this](const StepReport& step) {
    if (!session_.is_root()) return;
    session_.folder().write_metrics(metrics_json(step));
    session_.plot(step.step, {{"elbo", step.elbo}, {"residual", step.residual}});
    session_.log().debug("step {}: ELBO {}, residual {}, rho {}", step.step, step.elbo,
                         step.residual, step.rho);
    session_.show(moment_of(step));
  };
  return {.report = report,
          .checkpoint = [this](const TrainingState& state) { save(state); },
          .checkpoint_every = config_.run.checkpoint_every,
          .stop_requested = stop_requested};
}

void Training::save(const TrainingState& state) {
  session_.save(state.step, [&](const auto& folder) { save_checkpoint(folder, identity_, state); });
}

// Of the posterior that training ended with.
void Training::keep_sites(const TrainingResult& result) {
  if (config_.run.keep_sites == "no") return;
  constexpr double kRounding = 1e-12;  // residuals below this are none
  if (session_.is_root() && result.last.residual > std::max(config_.stop.residual, kRounding)) {
    session_.log().warn(
        "the posterior is not at its fixed point: prior and sites add up to it but for a residual "
        "of {}, above stop.residual = {}; train longer, on all of the data",
        rounded(result.last.residual, 2), config_.stop.residual);
  }
  const std::string column = config_.run.keep_sites == "group" ? config_.data.group : "";
  ranks_.activity().enter(Phase::kGathering);
  const Sites sites =
      gather_sites({stream_, ranks_, *data_, *model_}, result.posterior, summary_, column);
  session_.write([&] { write_tensors(session_.folder().sites(), sites.to_file()); });
  session_.log().info("kept {}", counted(sites.sites.size(), "site"));
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
  Table table({"ELBO", rounded(fit.elbo, 12)});
  table.add({"residual", rounded(fit.residual, 3)});
  table.add({"steps", std::to_string(fit.step) + " (" + to_string(reason) + ")"});
  table.add({"time", seconds_text(fit.seconds)});
  session_.tell_ranks(table);
  if (start_) {
    const PosteriorDistance moved = distance(*start_, trained);
    table.add({"from the start", "symmetrised KL " + rounded(moved.symmetrised_kl, 3) +
                                     ", means moved by at most " + rounded(moved.largest_shift, 3) +
                                     " sd"});
  }
  table.add({"posterior", session_.folder().posterior().string()});
  if (config_.run.keep_sites != "no") table.add({"sites", session_.folder().sites().string()});
  std::cout << "\n" << coefficient_table(trained) << "\n" << table.text(Table::kLeft) << std::flush;
}

std::string Training::dropped_text() const {
  if (summary_.dropped == 0) return "";
  return " (" + std::to_string(summary_.dropped) + " more dropped for a missing value)";
}

}  // namespace

ExitCode train(const TrainOptions& options, Job& job) {
  std::string model;
  agree(job.ranks(), Stream(), [&] { model = load_model_name(options.config, options.overrides); });
  if (is_network(model)) return train_network(options, job);
  TrainConfig config;
  agree(job.ranks(), Stream(),
        [&] { config = load_train_config(options.config, options.overrides); });
  return run_training(job, config.run,
                      [&](RunSession& session) { return Training(config, session).train(); });
}

}  // namespace bayesum
