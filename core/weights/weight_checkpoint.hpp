#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/checkpoint_folder.hpp"
#include "core/weights/parameter_space.hpp"
#include "core/weights/weight_state.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// Checkpoints of a training of a network, in a folder as core/checkpoint_folder.hpp says: float32
// tensors mean.NAME, curvature.NAME, momentum.NAME for every tensor of the network, and
// scalar.NAME.

// Saves, then removes all but the newest two, and those of later steps. The weights live on the
// device of the stream; nothing is held twice but a piece of them.
void save_weight_checkpoint(const Stream& stream, const std::filesystem::path& folder,
                            const CheckpointIdentity& identity, const ParameterSpace& space,
                            const WeightTrainingState& state);

// The newest checkpoint that is whole, as open_newest_checkpoint finds it, with weights on the
// device of the stream. Error(kFile) naming every tensor that is missing, does not belong, or has
// another shape than the space says; so for scalars, which have the names of `scalars`.
std::optional<WeightTrainingState> load_weight_checkpoint(
    const Stream& stream, const std::filesystem::path& folder, const CheckpointIdentity& identity,
    const ParameterSpace& space, const std::map<std::string, double>& scalars,
    const std::function<void(const std::string&)>& warn);

}  // namespace bayesum
