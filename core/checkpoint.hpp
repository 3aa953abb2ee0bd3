#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "core/checkpoint_folder.hpp"
#include "core/trainer.hpp"

namespace bayesum {

// Checkpoints of a run of exponential families: the whole TrainingState with what it belongs to.
// See core/checkpoint_folder.hpp for what they share with others.

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
