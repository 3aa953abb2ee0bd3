#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/examples/open_examples.hpp"
#include "core/weights/network_trainer.hpp"
#include "launch/train_config.hpp"
#include "models/network/make_network.hpp"

namespace bayesum {

// Scores on the held-out data in the course of a training.
struct ValidationConfig {
  std::int64_t every = 100;   // steps; 0: at the end alone
  std::int64_t examples = 0;  // at most so many of them, from the start; 0: all

  void describe(Fields& fields);
};

// Everything that a configuration file of a network may say, by section.
struct NetworkTrainConfig {
  ExamplesConfig data;
  NetworkConfig model;
  WeightRuleConfig rule;
  ScheduleConfig schedule;
  GuardConfig guard;
  CoordinatorConfig coordinator;
  std::int64_t steps = 1000;
  ValidationConfig validation;
  RunConfig run;

  void describe(Fields& fields);
  std::string toml() const;           // every key
  void describe_own(Fields& fields);  // what the configuration of a table has not, or has otherwise
  // What a checkpoint belongs to, as TrainConfig::identity: what decides the weights at each step.
  // Where training starts stands in it by what is there, see NetworkStart::fingerprint, not by its
  // path; that is added when it is read.
  std::string identity() const;
  NetworkTrainer::Config trainer() const;
};

// The model that file and flags name, of a table or a network; empty where they name none. Error as
// load_config for another name.
std::string load_model_name(const std::filesystem::path& path,
                            const std::vector<Override>& overrides);

// Reads the file and the flags and checks what must be given, as load_train_config.
NetworkTrainConfig load_network_config(const std::filesystem::path& path,
                                       const std::vector<Override>& overrides);

}  // namespace bayesum
