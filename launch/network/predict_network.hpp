#pragma once

#include "launch/commands.hpp"

namespace bayesum {

// `predict` for the posterior of a network over rows: the columns of other models, averaged over
// draws of the weights; of classes also their probabilities at the mean of the posterior. Rank 0
// works alone. Error(kUsage) for a language model.
ExitCode predict_network(const PredictOptions& options, Job& job);

}  // namespace bayesum
