#pragma once

#include <string>

#include "core/weights/network_trainer.hpp"

namespace bayesum {

// Scores of held-out data at the mean of the posterior with which a step begins.
struct ValidationReport {
  std::int64_t step = 0;
  double loss = 0;      // mean negative log-likelihood of an example (token)
  double accuracy = 0;  // 0 for regressions
};

// Lines of metrics.jsonl, see core/run_folder.hpp: of every step, with the keys step, loss,
// accuracy, examples, gradient_norm, learning_rate, clipped, skipped, seconds; of every validation,
// with step, validation_loss, validation_accuracy. What is not finite is null.
std::string metrics_json(const NetworkReport& report);
std::string metrics_json(const ValidationReport& report);

}  // namespace bayesum
