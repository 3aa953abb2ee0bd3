#include "core/checkpoint.hpp"

#include <algorithm>
#include <span>

#include "core/files/safetensors.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "bayesum-checkpoint-1";

// What the natural parameters of the file mean: one line a block.
std::string layout_text(const Posterior& posterior) {
  std::string text;
  for (const Block& block : posterior.blocks()) {
    text += block.name + " " + block.family->name() + " " +
            std::to_string(block.family->dimension()) + "\n";
  }
  return text;
}

void check_layout(const TensorFile& file, const Posterior& layout) {
  if (file.text("blocks") != layout_text(layout)) {
    throw Error(ExitCode::kUsage,
                "the checkpoint " + file.path.string() +
                    " belongs to a posterior of other blocks: " +
                    first_difference(file.text("blocks"), layout_text(layout)).text);
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

}  // namespace

void save_checkpoint(const fs::path& folder, const CheckpointIdentity& identity,
                     const TrainingState& state) {
  const auto vector = [](std::span<const double> values) {
    return Tensor{{values.size()}, {values.begin(), values.end()}};
  };
  TensorFile file;
  file.metadata = checkpoint_metadata(kFormat, identity, state.step);
  file.metadata["blocks"] = layout_text(state.posterior);
  file.tensors = {{"natural", vector(state.posterior.natural())},
                  {"control.scalars", vector(state.control.scalars)},
                  {"control.base_natural", vector(state.control.base_natural)},
                  {"control.base_message", vector(state.control.base_message)},
                  {"previous_elbo", vector(std::span(&state.previous_elbo, 1))}};
  write_tensors(checkpoint_path(folder, state.step), file);
  remove_old_checkpoints(folder, state.step);
}

std::optional<TrainingState> load_checkpoint(const fs::path& folder,
                                             const CheckpointIdentity& identity,
                                             const Posterior& layout,
                                             const std::function<void(const std::string&)>& warn) {
  const auto newest = open_newest_checkpoint(folder, kFormat, identity, warn);
  if (!newest) return std::nullopt;
  const TensorFile file = read_tensors(newest->file);
  check_layout(file, layout);
  return state_of(file, newest->step, layout);
}

}  // namespace bayesum
