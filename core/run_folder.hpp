#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/trainer.hpp"

namespace bayesum {

// The folder of one run, kept by rank 0:
//   config.toml            the resolved configuration, every key
//   log.txt                what was said
//   metrics.jsonl          one JSON object per step; of lines of one step the last counts
//   posterior.safetensors  the result
//   base.safetensors       the weights that adapters of a network adapt, where they were trained
//   sites.safetensors      what each piece of the data taught, where it was asked for
//   report.html            a page for people, where one was asked for
//   events.out.tfevents.*  the curves of each start, see core/files/event_file.hpp
//   checkpoints/           see core/checkpoint.hpp
class RunFolder {
 public:
  // Creates it. Error(kFile) naming the path when it cannot be written. A folder that holds a
  // posterior or checkpoints is refused, Error(kUsage), unless `resume`, which keeps them, or
  // `overwrite`, which removes them when training begins.
  RunFolder(std::filesystem::path path, bool resume, bool overwrite);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path posterior() const { return path_ / "posterior.safetensors"; }
  std::filesystem::path base() const { return path_ / "base.safetensors"; }
  std::filesystem::path sites() const { return path_ / "sites.safetensors"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }

  // Training begins: what `overwrite` replaces is removed, and what a killed run left half
  // written; the configuration is written. Until then a
  // folder that holds a run keeps it, so that a mistake elsewhere loses nothing.
  void begin(const std::string& toml);
  void write_metrics(const std::string& json);  // one object, a line; flushed

 private:
  void check_writable() const;
  void remove_run() const;

  std::filesystem::path path_;
  bool replaces_ = false;
  std::ofstream metrics_;
};

// A line of metrics.
std::string metrics_json(const StepReport& report);
// What is in a file of metrics, by step: of lines of one step the last. A line that is not whole,
// as a training that was killed leaves, or no report of a step, is passed over. Empty when there is
// no such file.
std::vector<StepReport> read_metrics(const std::filesystem::path& path);

}  // namespace bayesum
