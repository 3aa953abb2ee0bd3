#pragma once

#include "launch/commands.hpp"

namespace bayesum {

// `report` for the posterior of a network: how it was trained, and how well it predicts the
// held-out data, at its mean and averaged over draws.
ExitCode report_network(const ReportOptions& options, Job& job);

}  // namespace bayesum
