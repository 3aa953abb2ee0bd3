#include "core/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <sstream>
#include <string_view>
#include <system_error>

#include "core/files/safetensors.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "bayesum-checkpoint-1";
constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kSuffix = ".safetensors";
constexpr std::size_t kKept = 2;

fs::path path_of(const fs::path& folder, std::int64_t step) {
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%06lld", static_cast<long long>(step));
  return folder / (std::string(kPrefix) + digits.data() + std::string(kSuffix));
}

std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  if (name.size() <= kPrefix.size() + kSuffix.size()) return std::nullopt;
  std::int64_t step = 0;
  const char* last = name.data() + name.size() - kSuffix.size();
  const auto [end, problem] = std::from_chars(name.data() + kPrefix.size(), last, step);
  if (problem != std::errc{} || end != last || step < 0) return std::nullopt;
  return step;
}

// What the natural parameters of the file mean: one line a block.
std::string layout_text(const Posterior& posterior) {
  std::string text;
  for (const Block& block : posterior.blocks()) {
    text += block.name + " " + block.family->name() + " " +
            std::to_string(block.family->dimension()) + "\n";
  }
  return text;
}

std::string hexadecimal(std::uint64_t value) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(value));
  return digits.data();
}

// The first line in which two TOML texts differ, as "[rule] rho = 1.0 there, rho = 0.5 here".
std::string first_difference(const std::string& there, const std::string& here) {
  std::istringstream left(there);
  std::istringstream right(here);
  std::string section;
  for (;;) {
    std::string a;
    std::string b;
    const bool more_a = static_cast<bool>(std::getline(left, a));
    const bool more_b = static_cast<bool>(std::getline(right, b));
    if (!more_a && !more_b) return "";
    if (a != b) {
      const auto shown = [](const std::string& line) { return line.empty() ? "nothing" : line; };
      return section + shown(a) + " there, " + shown(b) + " here";
    }
    if (a.starts_with("[")) section = a + " ";
  }
}

void check_identity(const TensorFile& file, const CheckpointIdentity& identity,
                    const Posterior& layout) {
  const std::string belongs = "the checkpoint " + file.path.string() + " belongs to ";
  const std::string& config = file.text("config");
  if (config != identity.config) {
    throw Error(ExitCode::kUsage,
                belongs + "another configuration: " + first_difference(config, identity.config));
  }
  const std::string here = hexadecimal(identity.fingerprint);
  const std::string& there = file.text("data_fingerprint");
  if (there != here) {
    throw Error(ExitCode::kUsage, belongs + "other data: their fingerprint was " + there +
                                      ", that of the data here is " + here);
  }
  if (file.text("blocks") != layout_text(layout)) {
    throw Error(ExitCode::kUsage, belongs + "a posterior of other blocks: " +
                                      first_difference(file.text("blocks"), layout_text(layout)));
  }
}

const std::vector<double>& values_of(const TensorFile& file, const std::string& name,
                                     std::size_t size) {
  const std::vector<double>& values = file.tensor(name).values;
  if (values.size() != size) {
    throw Error(ExitCode::kFile, file.path.string() + ": tensor " + name + " has " +
                                     std::to_string(values.size()) + " elements, " +
                                     std::to_string(size) + " are due");
  }
  return values;
}

TrainingState state_of(const TensorFile& file, std::int64_t step, const Posterior& layout) {
  const std::size_t scalars = StepControl({}).save().scalars.size();
  TrainingState state{
      .step = step,
      .previous_elbo = values_of(file, "previous_elbo", 1).front(),
      .posterior = layout,
      .control = {.scalars = values_of(file, "control.scalars", scalars),
                  .base_natural = values_of(file, "control.base_natural", layout.size()),
                  .base_message = values_of(file, "control.base_message", layout.size())}};
  std::ranges::copy(values_of(file, "natural", layout.size()), state.posterior.natural().begin());
  return state;
}

// The file if it is whole and a checkpoint of this step; else the reason goes to `warn`.
std::optional<TensorFile> read_whole(const fs::path& path, std::int64_t step,
                                     const std::function<void(const std::string&)>& warn) {
  try {
    TensorFile file = read_tensors(path);
    if (file.text("format") != kFormat) {
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

void save_checkpoint(const fs::path& folder, const CheckpointIdentity& identity,
                     const TrainingState& state) {
  const auto vector = [](std::span<const double> values) {
    return Tensor{{values.size()}, {values.begin(), values.end()}};
  };
  TensorFile file;
  file.metadata = {{"format", std::string(kFormat)},
                   {"config", identity.config},
                   {"data_fingerprint", hexadecimal(identity.fingerprint)},
                   {"blocks", layout_text(state.posterior)},
                   {"step", std::to_string(state.step)}};
  file.tensors = {{"natural", vector(state.posterior.natural())},
                  {"control.scalars", vector(state.control.scalars)},
                  {"control.base_natural", vector(state.control.base_natural)},
                  {"control.base_message", vector(state.control.base_message)},
                  {"previous_elbo", vector(std::span(&state.previous_elbo, 1))}};
  write_tensors(path_of(folder, state.step), file);

  std::vector<std::int64_t> steps = checkpoint_steps(folder);
  const auto later = std::upper_bound(steps.begin(), steps.end(), state.step);
  for (auto step = later; step != steps.end(); ++step) fs::remove(path_of(folder, *step));
  steps.erase(later, steps.end());
  for (std::size_t i = 0; i + kKept < steps.size(); ++i) fs::remove(path_of(folder, steps[i]));
}

std::optional<TrainingState> load_checkpoint(const fs::path& folder,
                                             const CheckpointIdentity& identity,
                                             const Posterior& layout,
                                             const std::function<void(const std::string&)>& warn) {
  const std::vector<std::int64_t> steps = checkpoint_steps(folder);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const std::optional<TensorFile> file = read_whole(path_of(folder, *step), *step, warn);
    if (!file) continue;
    check_identity(*file, identity, layout);
    return state_of(*file, *step, layout);
  }
  if (steps.empty()) return std::nullopt;
  throw Error(ExitCode::kFile, "no checkpoint in " + folder.string() +
                                   " is whole: start over by --run.overwrite true");
}

}  // namespace bayesum
