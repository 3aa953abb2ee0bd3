#include "launch/train_config.hpp"

#include <algorithm>
#include <variant>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr double kLongestWait = 1e9;                  // seconds
constexpr double kLargestWhole = 9007199254740992.0;  // 2^53, up to which doubles hold all of them

std::vector<Override> with_sections(std::vector<Override> overrides, const Fields& fields) {
  for (Override& flag : overrides) {
    if (flag.key == "prior") flag.key = "prior.posterior";
    std::string key = "run." + flag.key;
    std::ranges::replace(key, '-', '_');
    if (fields.find(key) != nullptr) flag.key = key;
  }
  return overrides;
}

}  // namespace

void RunConfig::describe(Fields& fields) {
  fields.add("run.dir", dir, {}, "folder of the run; empty: runs/ and the configuration's name");
  fields.add("run.seed", seed, {0, kLargestWhole}, "of every random number");
  fields.add("run.device", device, {"cpu", "cuda"},
             "where the rows are worked on; of several GPUs each rank of a host takes the next");
  fields.add(
      "run.communicator", communicator, {"auto", "self", "mpi", "nccl", "thread"},
      "how ranks speak; auto: mpi under mpirun or srun --mpi=pmix, else one rank alone; thread: "
      "run.ranks threads of one process");
  fields.add("run.ranks", ranks, {1, 1024}, "of the thread communicator; others know theirs");
  fields.add("run.resume", resume, {"no", "auto"},
             "auto: go on from the newest checkpoint of the folder, if there is one");
  fields.add("run.overwrite", overwrite, "start over in a folder that holds a run");
  fields.add(
      "run.start", start, {},
      "a run or posterior file where training starts, with its prior and columns, as after "
      "bayesum combine; of networks also a folder of Hugging Face's GPT-2, and no more than "
      "the weights and how rows are read and scaled, with the curvature where ivon or vogn go "
      "on from such");
  fields.add("run.keep_sites", keep_sites, {"no", "shards", "group"},
             "keep what each virtual shard, or each level of data.group, taught at the end, in "
             "sites.safetensors, for bayesum combine");
  fields.add(
      "run.checkpoint_every", checkpoint_every, {0, kLargestWhole},
      "steps from one checkpoint to the next; 0: only at the end, or when stopped on request");
  fields.add("run.hang_timeout", hang_timeout, {0, kLongestWait},
             "seconds of silence, or of others waiting for it, after which a rank counts as hung "
             "and the job ends with code 124; 0: never");
  fields.add("run.log", log, {"debug", "info", "warning", "error"},
             "the least level written to log.txt");
}

void TrainConfig::describe(Fields& fields) {
  data.describe(fields);
  model.describe(fields);
  prior.describe(fields);
  rule.describe(fields);
  coordinator.describe(fields);
  stop.describe(fields);
  run.describe(fields);
}

std::string TrainConfig::identity() const {
  TrainConfig deciding = *this;
  deciding.data.path.clear();
  deciding.prior.posterior.clear();
  deciding.prior.like.clear();
  deciding.data.cache_mib = DataConfig{}.cache_mib;
  deciding.coordinator = {};
  deciding.stop = {};
  deciding.run = {};
  deciding.run.seed = run.seed;
  return deciding.toml();
}

std::string TrainConfig::toml() const {
  TrainConfig written = *this;
  Fields fields;
  written.describe(fields);
  return to_toml(fields);
}

void load_run(const std::filesystem::path& path, const std::vector<Override>& overrides,
              RunConfig& run, Fields& fields) {
  load_config(path, with_sections(overrides, fields), fields);
  if (run.overwrite && run.resume == "auto") {
    throw Error(ExitCode::kUsage,
                "run.overwrite starts over and run.resume = \"auto\" goes on: use one of them");
  }
  if (run.dir.empty()) run.dir = ("runs" / path.stem()).string();
}

void require_given(const std::filesystem::path& path, const Fields& fields, const std::string& key,
                   const std::string& value) {
  if (!value.empty()) return;
  const std::string bound = fields.find(key)->bound_text();
  throw Error(ExitCode::kUsage, path.string() + ": " + key + " is missing: " +
                                    (bound.empty() ? fields.find(key)->help : bound));
}

TrainConfig load_train_config(const std::filesystem::path& path,
                              const std::vector<Override>& overrides) {
  TrainConfig config;
  Fields fields;
  config.describe(fields);
  load_run(path, overrides, config.run, fields);
  require_given(path, fields, "data.path", config.data.path);
  require_given(path, fields, "model.name", config.model.name);
  return config;
}

bool is_switch(const std::string& key, const Fields& fields) {
  const Field* field = fields.find(with_sections({{key, ""}}, fields).front().key);
  return field != nullptr && std::holds_alternative<bool*>(field->value);
}

RunConfig run_config(const std::vector<Override>& overrides) {
  RunConfig config;
  Fields fields;
  config.describe(fields);
  parse_config("", "", with_sections(overrides, fields), fields);
  return config;
}

}  // namespace bayesum
