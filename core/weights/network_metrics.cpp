#include "core/weights/network_metrics.hpp"

#include <map>

#include <nlohmann/json.hpp>

#include "core/files/json_lines.hpp"

namespace bayesum {

std::string metrics_json(const NetworkReport& report) {
  const nlohmann::ordered_json line = {{"step", report.step},
                                       {"loss", report.loss},
                                       {"accuracy", report.accuracy},
                                       {"examples", report.examples},
                                       {"gradient_norm", report.gradient_norm},
                                       {"learning_rate", report.learning_rate},
                                       {"clipped", report.clipped},
                                       {"skipped", report.skipped},
                                       {"seconds", report.seconds}};
  return line.dump();
}

std::string metrics_json(const ValidationReport& report) {
  const nlohmann::ordered_json line = {{"step", report.step},
                                       {"validation_loss", report.loss},
                                       {"validation_accuracy", report.accuracy}};
  return line.dump();
}

NetworkCourse read_network_metrics(const std::filesystem::path& path) {
  std::map<std::int64_t, NetworkReport> steps;
  std::map<std::int64_t, ValidationReport> validations;
  read_json_lines(path, [&](const StepLine& line) {
    if (line.has("validation_loss")) {
      validations[line.step] = {line.step, line.number("validation_loss"),
                                line.number("validation_accuracy")};
    } else if (line.has("loss")) {
      NetworkReport report;
      report.step = line.step;
      report.loss = line.number("loss");
      report.accuracy = line.number("accuracy");
      report.examples = line.number("examples");
      report.gradient_norm = line.number("gradient_norm");
      report.learning_rate = line.number("learning_rate");
      report.seconds = line.number("seconds");
      steps[line.step] = report;
    }
  });
  NetworkCourse course;
  for (const auto& [step, report] : steps) course.steps.push_back(report);
  for (const auto& [step, report] : validations) course.validations.push_back(report);
  return course;
}

}  // namespace bayesum
