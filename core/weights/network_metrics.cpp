#include "core/weights/network_metrics.hpp"

#include <cmath>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

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
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) continue;
    const auto number = [&](const char* key) {
      const auto found = json.find(key);
      return found != json.end() && found->is_number() ? found->get<double>() : std::nan("");
    };
    const auto step = json["step"].get<std::int64_t>();
    if (json.contains("validation_loss")) {
      validations[step] = {step, number("validation_loss"), number("validation_accuracy")};
    } else if (json.contains("loss")) {
      NetworkReport report;
      report.step = step;
      report.loss = number("loss");
      report.accuracy = number("accuracy");
      report.examples = number("examples");
      report.gradient_norm = number("gradient_norm");
      report.learning_rate = number("learning_rate");
      report.seconds = number("seconds");
      steps[step] = report;
    }
  }
  NetworkCourse course;
  for (const auto& [step, report] : steps) course.steps.push_back(report);
  for (const auto& [step, report] : validations) course.validations.push_back(report);
  return course;
}

}  // namespace bayesum
