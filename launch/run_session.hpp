#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "core/agree.hpp"
#include "core/files/event_file.hpp"
#include "core/run_folder.hpp"
#include "core/staging.hpp"
#include "core/trainer.hpp"
#include "kernels/error.hpp"
#include "launch/job.hpp"
#include "launch/progress.hpp"
#include "launch/table.hpp"
#include "launch/train_config.hpp"

namespace bayesum {

// What every training has besides its model, of one rank: its ranks and their device, the folder of
// the run with its checkpoints, the log, and the line of progress.
class RunSession {
 public:
  // Collective: opens folder and log. Errors as RunFolder's. `config` outlives the session.
  RunSession(const RunConfig& config, Communicator& ranks, const Stream& stream);

  Communicator& ranks() const { return ranks_; }
  const Stream& stream() const { return stream_; }
  bool is_root() const { return ranks_.rank() == 0; }
  RunFolder& folder() { return *folder_; }  // of rank 0
  const RunFolder& folder() const { return *folder_; }
  spdlog::logger& log() const { return *log_; }
  std::string where() const;  // "2 ranks (mpi, cpu)"

  // Collective: training begins, by this configuration, see RunFolder::begin; and so do its curves.
  void begin(const std::string& toml);
  // Points of curves for TensorBoard, of rank 0 alone.
  void plot(std::int64_t step, const std::vector<EventFile::Scalar>& scalars);
  // The line of progress, of rank 0 alone.
  void begin_progress(std::int64_t last_step);
  void show(const Progress::Moment& moment);
  // The line ends, and why training did is said.
  void finish(StopReason reason, const Progress::Moment& moment);

  // Adds the rows that say what the ranks were and what they communicated.
  void tell_ranks(Table& table) const;

  // Collective: rank 0 writes into the folder, and the others wait for it.
  void write(const std::function<void()>& work);
  // The same for the checkpoint of a step, in the folder that `save` is given.
  void save(std::int64_t step, const std::function<void(const std::filesystem::path&)>& save);

  // Collective: what the newest checkpoint holds, when there is one to go on from. Rank 0 reads it
  // by `load(folder, warn)`; the others begin with `blank()`, of the same layout, and `share_rest`
  // brings them all of it but the step, by `share`.
  template <class State>
  using Load = std::function<std::optional<State>(
      const std::filesystem::path&, const std::function<void(const std::string&)>& warn)>;
  template <class State>
  std::optional<State> resume(const Load<State>& load, const std::function<State()>& blank,
                              const std::function<void(State&)>& share_rest);

  // Collective: from rank 0 to all.
  template <class T>
  void share(std::span<T> values) {
    on_wire(stream_, ranks_, values,
            [&](const Stream& wire, auto payload) { ranks_.broadcast(wire, payload, 0); });
  }

 private:
  void tell_resumed(std::int64_t step);

  const RunConfig& config_;
  Communicator& ranks_;
  const Stream& stream_;
  std::optional<RunFolder> folder_;
  std::shared_ptr<spdlog::logger> log_;
  std::optional<Progress> progress_;
  std::optional<EventFile> events_;
};

template <class State>
std::optional<State> RunSession::resume(const Load<State>& load,
                                        const std::function<State()>& blank,
                                        const std::function<void(State&)>& share_rest) {
  if (config_.resume != "auto") return std::nullopt;
  std::optional<State> state;
  agree(ranks_, stream_, [&] {
    if (!is_root()) return;
    state =
        load(folder_->checkpoints(), [&](const std::string& sentence) { log_->warn(sentence); });
  });
  std::array<std::uint64_t, 2> found{state ? 1u : 0u,
                                     state ? static_cast<std::uint64_t>(state->step) : 0u};
  share(std::span<std::uint64_t>(found));
  if (found[0] == 0) return std::nullopt;
  if (!state) state = blank();
  state->step = static_cast<std::int64_t>(found[1]);
  share_rest(*state);
  tell_resumed(state->step);
  return state;
}

// Runs a training on every rank that the configuration asks for, each in a session of its own; what
// it throws goes to the log on its way. The exit code says whether it was stopped on request.
ExitCode run_training(Job& job, const RunConfig& config,
                      const std::function<StopReason(RunSession&)>& training);

}  // namespace bayesum
