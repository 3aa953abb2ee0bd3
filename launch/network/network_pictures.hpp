#pragma once

#include <string>

#include "core/weights/network_metrics.hpp"
#include "models/network/network_evaluation.hpp"

namespace bayesum {

// The pictures of a network's report, as launch/pictures.hpp.

// The loss of the steps, at least one, and of the held-out data.
std::string draw_loss(const NetworkCourse& course);

// Observed against predicted probability, at the mean of the posterior and averaged over draws.
std::string draw_reliability(const NetworkEvaluation& scores);

}  // namespace bayesum
