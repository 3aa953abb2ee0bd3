#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/files/tensor_reader.hpp"

namespace bayesum {

// What checkpoints of every kind of training share: a folder of files step-000012.safetensors, each
// written whole or not at all, of which the last two are kept, so that a corrupt one can be
// survived.
struct CheckpointIdentity {
  std::string config;             // the configuration that decides the result, as TOML
  std::uint64_t fingerprint = 0;  // of the data
  // What to do where a key, "stop.steps", is the first to differ.
  std::map<std::string, std::string> advice = {};
};

// Steps of the checkpoints in the folder, oldest first; empty when there is no such folder.
std::vector<std::int64_t> checkpoint_steps(const std::filesystem::path& folder);

std::filesystem::path checkpoint_path(const std::filesystem::path& folder, std::int64_t step);

// The metadata of a checkpoint of this format: what it belongs to.
std::map<std::string, std::string> checkpoint_metadata(const std::string& format,
                                                       const CheckpointIdentity& identity,
                                                       std::int64_t step);

// When that of `step` is written: removes all but the newest two, and those of later steps, which
// this run has left.
void remove_old_checkpoints(const std::filesystem::path& folder, std::int64_t step);

struct OpenCheckpoint {
  std::int64_t step = 0;
  TensorReader file;
};

// The newest checkpoint that is whole. A damaged one, or one of another format, is passed over with
// a sentence to `warn`. Nothing there: nullopt; none that is whole: Error(kFile). One that belongs
// to another configuration or other data: Error(kUsage) naming the first line that differs, with
// the advice for it.
std::optional<OpenCheckpoint> open_newest_checkpoint(
    const std::filesystem::path& folder, const std::string& format,
    const CheckpointIdentity& identity, const std::function<void(const std::string&)>& warn);

// The first line in which two TOML texts differ.
struct Difference {
  std::string key;   // "rule.rho"
  std::string text;  // "[rule] rho = 1.0 there, rho = 0.5 here"; both empty where there is none
};
Difference first_difference(const std::string& there, const std::string& here);

}  // namespace bayesum
