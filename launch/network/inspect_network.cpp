#include "launch/network/inspect_network.hpp"

#include <cmath>
#include <filesystem>
#include <iostream>
#include <optional>

#include "launch/network/network_assessment.hpp"
#include "launch/network/network_config.hpp"
#include "launch/report.hpp"
#include "models/network/weight_summary.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

// The rule as the configuration beside the posterior has it, if the training began afresh.
std::optional<WeightRuleConfig> rule_at_start(const fs::path& posterior,
                                              const OpenNetwork& trained) {
  const fs::path config = posterior.parent_path() / "config.toml";
  if (!fs::exists(config) || !trained.rule->draws()) return std::nullopt;
  WeightRuleConfig rule;
  std::string start;
  Fields fields;
  rule.describe(fields);
  fields.add("run.start", start, {}, "where training started");
  load_known(config, {}, fields);
  if (!start.empty() || rule.name != trained.description.rule) return std::nullopt;
  rule.ess = trained.description.ess;
  return rule;
}

std::string shape_text(const ParameterTensor& tensor) {
  std::string text;
  for (const std::size_t size : tensor.shape) {
    text += (text.empty() ? "" : " x ") + std::to_string(size);
  }
  return text;
}

Table weight_table(const OpenNetwork& trained, const std::optional<WeightRuleConfig>& start) {
  Table table({"", "shape", "rms of mean", "sd", "signal/noise", "above 1", "sd/start"});
  const auto known = [](double value, int digits = 4) {
    return std::isnan(value) ? "" : rounded(value, digits);
  };
  for (const WeightSummary& each : summarize_weights(trained)) {
    const double at_start = start ? sd_at_start(*start, start->ess, each.tensor) : 0.0;
    table.add(
        {each.tensor.name, shape_text(each.tensor), rounded(each.rms),
         each.sd > 0 ? rounded(each.sd) : "", known(each.signal_to_noise),
         std::isnan(each.share_above_noise) ? "" : fixed(100 * each.share_above_noise, 1) + " %",
         at_start > 0 ? rounded(each.sd / at_start) : ""});
  }
  return table;
}

std::string examples_text(const OpenNetwork& trained) {
  const ExampleShape& shape = trained.shape;
  if (shape.is_tokens()) {
    return "windows of " + counted(shape.context, "token") + ", vocabulary of " +
           std::to_string(shape.vocabulary) +
           (trained.tokenizer ? " (" + trained.tokenizer->name() + ")" : "");
  }
  return "rows of " +
         (trained.design.pixels > 0 ? counted(trained.design.pixels, "pixel")
                                    : counted(shape.features, "feature")) +
         (shape.classes > 0 ? " in " + std::to_string(shape.classes) + " classes"
                            : " with a number each");
}

Table facts(const OpenNetwork& trained, const fs::path& path) {
  const NetworkDescription& description = trained.description;
  const ParameterSpace& parameters = trained.network->parameters();
  Table table({"file", path.string()});
  table.add({"written by", TensorReader(path, Checksum::kNone).text("program")});
  table.add({"network", trained.network->name() + " of " +
                            counted(parameters.count(), "parameter") + " in " +
                            counted(parameters.tensors().size(), "tensor")});
  table.add({"examples", examples_text(trained)});
  table.add({"rule", description.rule + (trained.rule->draws() ? ", effective sample size " +
                                                                     rounded(description.ess, 9)
                                                               : "")});
  table.add({"posterior", trained.rule->posterior()});
  table.add({"steps", std::to_string(description.step)});
  table.add({"seed", std::to_string(description.seed)});
  table.add({"data", trained.data.path + ", fingerprint " +
                         TensorReader(path, Checksum::kNone).text("fingerprint")});
  return table;
}

}  // namespace

void inspect_network(const InspectOptions& options) {
  const fs::path path = posterior_path(options.trained);
  const OpenNetwork trained = open_network(Stream(), path);
  std::cout << headline(trained.network->name(), trained.description) << "\n\n"
            << weight_table(trained, rule_at_start(path, trained)).text() << "\n"
            << facts(trained, path).text(Table::kLeft) << std::flush;
}

}  // namespace bayesum
