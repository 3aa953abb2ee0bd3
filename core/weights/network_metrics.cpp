#include "core/weights/network_metrics.hpp"

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

}  // namespace bayesum
