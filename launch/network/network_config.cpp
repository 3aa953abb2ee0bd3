#include "launch/network/network_config.hpp"

#include <algorithm>
#include <iterator>

#include "kernels/error.hpp"

namespace bayesum {

void ValidationConfig::describe(Fields& fields) {
  fields.add("validation.every", every, {0, 1e15},
             "steps from one score of the held-out data to the next; 0: at the end alone");
  fields.add("validation.examples", examples, {0, 1e15},
             "at most so many examples of them, from the start of the file; 0: all");
}

void NetworkTrainConfig::describe_own(Fields& fields) {
  data.describe(fields);
  model.describe(fields);
  rule.describe(fields);
  schedule.describe(fields);
  guard.describe(fields);
  fields.add("stop.steps", steps, {1, 4294967294.0}, "steps of the training");
  validation.describe(fields);
}

void NetworkTrainConfig::describe(Fields& fields) {
  describe_own(fields);
  coordinator.describe(fields);
  run.describe(fields);
}

// The number of steps is part of it where the learning rate falls towards the last; where data lie
// is not.
std::string NetworkTrainConfig::identity() const {
  NetworkTrainConfig deciding = *this;
  deciding.data.path.clear();
  deciding.data.validation.clear();
  deciding.coordinator = {};
  deciding.validation = {};
  deciding.run = {};
  deciding.run.seed = run.seed;
  if (!schedule.falls()) deciding.steps = NetworkTrainConfig().steps;
  return deciding.toml();
}

std::string NetworkTrainConfig::toml() const {
  NetworkTrainConfig written = *this;
  Fields fields;
  written.describe(fields);
  return to_toml(fields);
}

NetworkTrainer::Config NetworkTrainConfig::trainer() const {
  return {.rule = rule,
          .schedule = schedule,
          .coordinator = coordinator,
          .guard = guard,
          .batch = data.batch_shape(),
          .steps = steps,
          .seed = static_cast<std::uint64_t>(run.seed)};
}

std::string load_model_name(const std::filesystem::path& path,
                            const std::vector<Override>& overrides) {
  ModelConfig table;
  NetworkConfig network;
  Fields known;
  table.describe(known);
  std::vector<std::string> names = known.find("model.name")->choices;
  Fields of_networks;
  network.describe(of_networks);
  std::ranges::copy(of_networks.find("model.name")->choices, std::back_inserter(names));
  std::string model;
  Fields fields;
  fields.add("model.name", model, names, "the model");
  load_known(path, overrides, fields);
  return model;
}

NetworkTrainConfig load_network_config(const std::filesystem::path& path,
                                       const std::vector<Override>& overrides) {
  if (gives_section(path, overrides, "prior")) {
    throw Error(ExitCode::kUsage,
                path.string() +
                    ": networks have no [prior]: that of their weights is "
                    "N(0, 1 / (ess weight_decay)), of rule.ess and rule.weight_decay");
  }
  NetworkTrainConfig config;
  Fields fields;
  config.describe(fields);
  load_run(path, overrides, config.run, fields);
  require_given(path, fields, "data.path", config.data.path);
  if (config.run.keep_sites != "no") {
    throw Error(ExitCode::kUsage,
                path.string() + ": run.keep_sites: networks have no sites to keep");
  }
  return config;
}

}  // namespace bayesum
