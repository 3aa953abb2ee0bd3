#pragma once

#include <filesystem>
#include <string>
#include <vector>

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

// What is in a file of metrics, by step: of lines of one step the last. A line that is not whole is
// passed over; a number that is null is NaN. Empty when there is no such file.
struct NetworkCourse {
  std::vector<NetworkReport> steps;
  std::vector<ValidationReport> validations;
};
NetworkCourse read_network_metrics(const std::filesystem::path& path);

}  // namespace bayesum
