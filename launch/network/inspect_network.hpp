#pragma once

#include "launch/commands.hpp"

namespace bayesum {

// `inspect` for the posterior of a network, by one rank: a line for each tensor, and what the
// network is.
void inspect_network(const InspectOptions& options);

}  // namespace bayesum
