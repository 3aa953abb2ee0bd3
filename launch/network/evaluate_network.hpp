#pragma once

#include "launch/commands.hpp"

namespace bayesum {

// `evaluate` for the posterior of a network: scores of held-out examples at its mean and averaged
// over draws of its weights, and how well it knows data of another kind to be such.
ExitCode evaluate_network(const EvaluateOptions& options, Job& job);

}  // namespace bayesum
