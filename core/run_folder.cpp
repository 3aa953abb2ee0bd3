#include "core/run_folder.hpp"

#include <cerrno>
#include <cmath>
#include <map>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/checkpoint.hpp"
#include "core/files/atomic_file.hpp"
#include "core/files/event_file.hpp"
#include "core/files/json_lines.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ExitCode::kFile, "cannot write the run folder " + path.string() + ": " + why);
}

}  // namespace

RunFolder::RunFolder(fs::path path, bool resume, bool overwrite) : path_(std::move(path)) {
  std::error_code problem;
  fs::create_directories(checkpoints(), problem);
  if (problem) refuse(path_, problem.message());
  const bool taken = fs::exists(posterior()) || !checkpoint_steps(checkpoints()).empty();
  if (taken && !resume && !overwrite) {
    throw Error(ExitCode::kUsage,
                path_.string() +
                    " holds a run: go on with it by --run.resume auto, start over by "
                    "--run.overwrite true, or name another folder by --run.dir");
  }
  replaces_ = overwrite && !resume;
  check_writable();
}

void RunFolder::check_writable() const {
  const fs::path probe = path_ / "log.txt";
  if (!std::ofstream(probe, std::ios::app)) {
    refuse(path_, std::generic_category().message(errno));
  }
}

void RunFolder::remove_run() const {
  for (const fs::path& file : {path_ / "config.toml", path_ / "metrics.jsonl", posterior(), base(),
                               sites(), path_ / "report.html"}) {
    fs::remove(file);
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
    if (entry.path().filename().string().starts_with(EventFile::kPrefix)) fs::remove(entry.path());
  }
  fs::remove_all(checkpoints());
  fs::create_directories(checkpoints());
}

void RunFolder::begin(const std::string& toml) {
  if (replaces_) remove_run();
  remove_temporary_files(path_);
  remove_temporary_files(checkpoints());
  write_atomically(path_ / "config.toml", toml);
  metrics_.open(path_ / "metrics.jsonl", std::ios::app);
  if (!metrics_) refuse(path_, std::generic_category().message(errno));
}

void RunFolder::write_metrics(const std::string& json) {
  metrics_ << json << std::endl;
  if (!metrics_) refuse(path_, "metrics.jsonl cannot be extended, is the disk full?");
}

std::string metrics_json(const StepReport& report) {
  const nlohmann::ordered_json line = {{"step", report.step},
                                       {"elbo", report.elbo},
                                       {"loss", report.loss},
                                       {"rows", report.rows},
                                       {"residual", report.residual},
                                       {"rho", report.rho},
                                       {"backtracks", report.backtracks},
                                       {"seconds", report.seconds},
                                       {"estimate", report.estimate}};
  return line.dump();
}

std::vector<StepReport> read_metrics(const fs::path& path) {
  std::map<std::int64_t, StepReport> steps;
  read_json_lines(path, [&](const StepLine& line) {
    StepReport report{.step = line.step,
                      .elbo = line.number("elbo"),
                      .loss = line.number("loss"),
                      .rows = line.number("rows"),
                      .residual = line.number("residual"),
                      .rho = line.number("rho"),
                      .seconds = line.number("seconds")};
    if (std::isfinite(line.number("backtracks"))) {
      report.backtracks = static_cast<std::int64_t>(line.number("backtracks"));
    }
    steps[line.step] = report;
  });
  std::vector<StepReport> reports;
  for (const auto& [step, report] : steps) reports.push_back(report);
  return reports;
}

}  // namespace bayesum
