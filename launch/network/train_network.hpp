#pragma once

#include "launch/commands.hpp"

namespace bayesum {

// `train` of a configuration whose model is a network.
ExitCode train_network(const TrainOptions& options, Job& job);

}  // namespace bayesum
