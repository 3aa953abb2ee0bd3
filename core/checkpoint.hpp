#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/trainer.hpp"

namespace bayesum {

// Checkpoints of a run, RUN/checkpoints/step-000012.safetensors: the whole TrainingState with what
// it belongs to. Each is written whole or not at all; the last two are kept, so that a corrupt one
// can be survived.
struct CheckpointIdentity {
  std::string config;             // the configuration that decides the result, as TOML
  std::uint64_t fingerprint = 0;  // of the data
};

// Steps of the checkpoints in the folder, oldest first; empty when there is no such folder.
std::vector<std::int64_t> checkpoint_steps(const std::filesystem::path& folder);

// Saves, then removes all but the newest two, and those of later steps, which this run has left.
void save_checkpoint(const std::filesystem::path& folder, const CheckpointIdentity& identity,
                     const TrainingState& state);

// The newest checkpoint that is whole. A damaged one is passed over with a sentence to `warn`.
// Nothing there: nullopt; none that is whole: Error(kFile). One that belongs to another
// configuration or other data: Error(kUsage) naming the first line that differs. `layout` gives the
// blocks that the posterior must have.
std::optional<TrainingState> load_checkpoint(const std::filesystem::path& folder,
                                             const CheckpointIdentity& identity,
                                             const Posterior& layout,
                                             const std::function<void(const std::string&)>& warn);

}  // namespace bayesum
