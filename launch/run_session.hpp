#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "core/files/event_file.hpp"
#include "core/run_folder.hpp"
#include "core/staging.hpp"
#include "core/trainer.hpp"
#include "launch/progress.hpp"
#include "launch/train_config.hpp"

namespace bayesum {

// What every training has besides its model, of one rank: the folder of the run, the log, and the
// line of progress.
class RunSession {
 public:
  // Collective: opens folder and log. Errors as RunFolder's. `config` outlives the session.
  RunSession(const RunConfig& config, Communicator& ranks, const Stream& stream);

  bool is_root() const { return ranks_.rank() == 0; }
  RunFolder& folder() { return *folder_; }  // of rank 0
  const RunFolder& folder() const { return *folder_; }
  spdlog::logger& log() const { return *log_; }
  std::string where() const;  // "2 ranks (mpi, cpu)"

  // Runs the training; what it throws goes to the log on its way.
  StopReason run(const std::function<StopReason()>& training);

  // Collective: training begins, by this configuration, see RunFolder::begin; and so do its curves.
  void begin(const std::string& toml);
  void tell_resumed(std::int64_t step);
  // Points of curves for TensorBoard, of rank 0 alone.
  void plot(std::int64_t step, const std::vector<EventFile::Scalar>& scalars);
  // The line of progress, of rank 0 alone.
  void begin_progress(std::int64_t last_step);
  void show(const Progress::Moment& moment);
  // The line ends, and why training did is said.
  void finish(StopReason reason, const Progress::Moment& moment);

  // Collective: from rank 0 to all.
  template <class T>
  void share(std::span<T> values) {
    on_wire(stream_, ranks_, values,
            [&](const Stream& wire, auto payload) { ranks_.broadcast(wire, payload, 0); });
  }

 private:
  const RunConfig& config_;
  Communicator& ranks_;
  const Stream& stream_;
  std::optional<RunFolder> folder_;
  std::shared_ptr<spdlog::logger> log_;
  std::optional<Progress> progress_;
  std::optional<EventFile> events_;
};

}  // namespace bayesum
