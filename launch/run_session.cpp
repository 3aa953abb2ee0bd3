#include "launch/run_session.hpp"

#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "core/agree.hpp"
#include "distributed/mpi.hpp"
#include "launch/log.hpp"
#include "launch/table.hpp"

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

StopReason RunSession::run(const std::function<StopReason()>& training) {
  try {
    return training();
  } catch (const std::exception& error) {
    log_->error(error.what());
    throw;
  }
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

}  // namespace bayesum
