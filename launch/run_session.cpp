#include "launch/run_session.hpp"

#include <unistd.h>

#include <atomic>
#include <iostream>

#include "distributed/mpi.hpp"
#include "launch/log.hpp"
#include "launch/signals.hpp"

namespace bayesum {

RunSession::RunSession(const RunConfig& config, Communicator& ranks, const Stream& stream)
    : config_(config), ranks_(ranks), stream_(stream) {
  agree(ranks_, stream_, [&] {
    if (!is_root()) return;
    folder_.emplace(config_.dir, config_.resume == "auto", config_.overwrite);
  });
  agree(ranks_, stream_, [&] {
    const auto file = std::filesystem::path(config_.dir) / "log.txt";
    log_ = make_log(file, config_.log, ranks_.rank());
  });
  log_->info("training on {}", where());
}

std::string RunSession::where() const {
  return counted(static_cast<std::size_t>(ranks_.size()), "rank") + " (" + ranks_.name() + ", " +
         (stream_.on_cuda() ? "cuda" : "cpu") + ")";
}

void RunSession::begin(const std::string& toml) {
  agree(ranks_, stream_, [&] {
    if (!is_root()) return;
    folder_->begin(toml);
    events_.emplace(folder_->path(), host_name());
  });
}

void RunSession::plot(std::int64_t step, const std::vector<EventFile::Scalar>& scalars) {
  if (events_) events_->write(step, scalars);
}

void RunSession::tell_resumed(std::int64_t step) {
  log_->info("going on from step {}", step);
  if (is_root()) std::cout << "going on from the checkpoint of step " << step << std::endl;
}

void RunSession::begin_progress(std::int64_t last_step) {
  if (!is_root()) return;
  // mpirun gives stdout a terminal of its own, stderr not.
  const bool terminal = isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
  progress_.emplace(stdout, terminal, last_step);
}

void RunSession::show(const Progress::Moment& moment) {
  if (progress_) progress_->show(moment);
}

void RunSession::finish(StopReason reason, const Progress::Moment& moment) {
  if (progress_) progress_->finish(moment);
  progress_.reset();
  log_->info("{} at step {}", to_string(reason), moment.step);
  if (is_root() && reason == StopReason::kRequested) {
    std::cout << "stopped on request at step " << moment.step << "; go on with --resume auto"
              << std::endl;
  }
}

void RunSession::tell_ranks(Table& table) const {
  table.add({"ranks", where()});
  if (ranks_.size() == 1) return;
  const Traffic& traffic = ranks_.traffic();
  table.add({"communicated", bytes_text(static_cast<double>(traffic.bytes)) + " in " +
                                 std::to_string(traffic.calls) + " calls by rank 0"});
}

void RunSession::write(const std::function<void()>& work) {
  ranks_.activity().enter(Phase::kSaving);
  agree(ranks_, stream_, [&] {
    if (is_root()) work();
  });
}

void RunSession::save(std::int64_t step,
                      const std::function<void(const std::filesystem::path&)>& save) {
  ranks_.activity().enter(Phase::kSaving, step);
  write([&] { save(folder_->checkpoints()); });
  log_->info("saved the checkpoint of step {}", step);
}

ExitCode run_training(Job& job, const RunConfig& config,
                      const std::function<StopReason(RunSession&)>& training) {
  watch_signals();
  std::atomic<StopReason> reason{};
  run_on_ranks(job, config, [&](Communicator& ranks, const Stream& stream) {
    RunSession session(config, ranks, stream);
    try {
      reason = training(session);
    } catch (const std::exception& error) {
      session.log().error(error.what());
      throw;
    }
  });
  if (reason != StopReason::kRequested) return ExitCode::kDone;
  ignore_signals();
  return ExitCode::kStopped;
}

}  // namespace bayesum
