#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/data/dataset.hpp"
#include "core/trainer.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// Where and how a training runs. Nothing here but the seed decides what comes out of it.
struct RunConfig {
  std::string dir;  // empty: runs/ and the name of the configuration
  std::int64_t seed = 1;
  std::string device = "cpu";
  std::string communicator = "auto";
  std::int64_t ranks = 2;
  std::string resume = "no";
  bool overwrite = false;
  std::string start;  // a run or posterior file where training starts, see models/continuation.hpp
  std::string keep_sites = "no";
  std::int64_t checkpoint_every = 100;
  double hang_timeout = 600;  // seconds that a rank may wait for another, see core/hang_watch.hpp
  std::string log = "info";

  void describe(Fields& fields);
};

// Everything that a configuration file may say, by section.
struct TrainConfig {
  DataConfig data;
  ModelConfig model;
  PriorConfig prior;
  RuleConfig rule;
  CoordinatorConfig coordinator;
  StopConfig stop;
  RunConfig run;

  void describe(Fields& fields);
  std::string toml() const;  // every key

  // What a checkpoint belongs to: the sections [data], [model], [prior] and [rule] and the seed, as
  // TOML. Earlier runs that are taken up stand in it by what they hold, see
  // Continuation::fingerprint, and not by their paths. Left out is what may change from one start
  // to the next: where the data lie (their fingerprint is checked) and how much of them is kept in
  // memory, when to stop, who applies the rule, and all else of [run].
  std::string identity() const;
};

// What the configurations of all trainings have in common: reads file and flags into the fields, of
// which `run` is part, names the folder, and refuses what excludes each other. See load_config for
// errors. A flag without a section is one of [run]: --resume auto.
void load_run(const std::filesystem::path& path, const std::vector<Override>& overrides,
              RunConfig& run, Fields& fields);
// Error(kUsage) when there is no value of a key that must have one.
void require_given(const std::filesystem::path& path, const Fields& fields, const std::string& key,
                   const std::string& value);

// Reads the file and the flags and checks what must be given, as
// load_run.
TrainConfig load_train_config(const std::filesystem::path& path,
                              const std::vector<Override>& overrides);

// Is `--key` one of the fields, of true or false, which a flag without a value makes true?
bool is_switch(const std::string& key, const Fields& fields);

// [run] alone, from flags.
RunConfig run_config(const std::vector<Override>& overrides);

}  // namespace bayesum
