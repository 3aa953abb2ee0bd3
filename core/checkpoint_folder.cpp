#include "core/checkpoint_folder.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/files/hash.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kSuffix = ".safetensors";
constexpr std::size_t kKept = 2;

std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  if (name.size() <= kPrefix.size() + kSuffix.size()) return std::nullopt;
  std::int64_t step = 0;
  const char* last = name.data() + name.size() - kSuffix.size();
  const auto [end, problem] = std::from_chars(name.data() + kPrefix.size(), last, step);
  if (problem != std::errc{} || end != last || step < 0) return std::nullopt;
  return step;
}

void check_identity(const TensorReader& file, const CheckpointIdentity& identity) {
  const std::string belongs = "the checkpoint " + file.path().string() + " belongs to ";
  const std::string& config = file.text("config");
  if (config != identity.config) {
    const Difference first = first_difference(config, identity.config);
    const auto advice = identity.advice.find(first.key);
    throw Error(ExitCode::kUsage,
                belongs + "another configuration: " + first.text +
                    (advice == identity.advice.end() ? "" : "; " + advice->second));
  }
  const std::string here = hash_text(identity.fingerprint);
  const std::string& there = file.text("data_fingerprint");
  if (there != here) {
    throw Error(ExitCode::kUsage, belongs + "other data: their fingerprint was " + there +
                                      ", that of the data here is " + here);
  }
}

// The file if it is whole and a checkpoint of this step; else the reason goes to `warn`.
std::optional<TensorReader> open_whole(const fs::path& path, const std::string& format,
                                       std::int64_t step,
                                       const std::function<void(const std::string&)>& warn) {
  try {
    TensorReader file(path, Checksum::kLast);
    if (file.text("format") != format) {
      throw Error(ExitCode::kFile, path.string() + " is not a checkpoint of this version");
    }
    if (file.text("step") != std::to_string(step)) {
      throw Error(ExitCode::kFile, path.string() + " holds step " + file.text("step"));
    }
    return file;
  } catch (const Error& error) {
    if (error.code() != ExitCode::kFile) throw;
    warn(std::string("passed over a damaged checkpoint: ") + error.what());
    return std::nullopt;
  }
}

}  // namespace

std::vector<std::int64_t> checkpoint_steps(const fs::path& folder) {
  std::vector<std::int64_t> steps;
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, problem)) {
    if (const auto step = step_of(entry.path().filename().string())) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

fs::path checkpoint_path(const fs::path& folder, std::int64_t step) {
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%06lld", static_cast<long long>(step));
  return folder / (std::string(kPrefix) + digits.data() + std::string(kSuffix));
}

std::map<std::string, std::string> checkpoint_metadata(const std::string& format,
                                                       const CheckpointIdentity& identity,
                                                       std::int64_t step) {
  return {{"format", format},
          {"config", identity.config},
          {"data_fingerprint", hash_text(identity.fingerprint)},
          {"step", std::to_string(step)}};
}

void remove_old_checkpoints(const fs::path& folder, std::int64_t step) {
  std::vector<std::int64_t> steps = checkpoint_steps(folder);
  const auto later = std::upper_bound(steps.begin(), steps.end(), step);
  for (auto left = later; left != steps.end(); ++left) fs::remove(checkpoint_path(folder, *left));
  steps.erase(later, steps.end());
  for (std::size_t i = 0; i + kKept < steps.size(); ++i) {
    fs::remove(checkpoint_path(folder, steps[i]));
  }
}

std::optional<OpenCheckpoint> open_newest_checkpoint(
    const fs::path& folder, const std::string& format, const CheckpointIdentity& identity,
    const std::function<void(const std::string&)>& warn) {
  const std::vector<std::int64_t> steps = checkpoint_steps(folder);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    auto file = open_whole(checkpoint_path(folder, *step), format, *step, warn);
    if (!file) continue;
    check_identity(*file, identity);
    return OpenCheckpoint{*step, std::move(*file)};
  }
  if (steps.empty()) return std::nullopt;
  throw Error(ExitCode::kFile, "no checkpoint in " + folder.string() +
                                   " is whole: start over by --run.overwrite true");
}

Difference first_difference(const std::string& there, const std::string& here) {
  std::istringstream left(there);
  std::istringstream right(here);
  std::string section;  // "rule"
  for (;;) {
    std::string a;
    std::string b;
    const bool more_a = static_cast<bool>(std::getline(left, a));
    const bool more_b = static_cast<bool>(std::getline(right, b));
    if (!more_a && !more_b) return {};
    if (a != b) {
      const auto shown = [](const std::string& line) { return line.empty() ? "nothing" : line; };
      const std::string& line = a.empty() ? b : a;
      const std::string where = section.empty() ? "" : "[" + section + "] ";
      return {section + "." + line.substr(0, line.find(" = ")),
              where + shown(a) + " there, " + shown(b) + " here"};
    }
    if (a.starts_with("[")) section = a.substr(1, a.find(']') - 1);
  }
}

}  // namespace bayesum
