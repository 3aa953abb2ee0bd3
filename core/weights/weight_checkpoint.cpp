#include "core/weights/weight_checkpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>
#include <vector>

#include "core/files/tensor_writer.hpp"
#include "core/weights/weight_tensors.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr const char* kFormat = "bayesum-weight-checkpoint-1";
const std::string kScalar = "scalar.";

// Visits the three vectors of the weights, each with its kind.
template <class Weights, class Visit>
void each_vector(Weights& weights, const Visit& visit) {
  visit("mean", weights.mean.span());
  visit("curvature", weights.curvature.span());
  visit("momentum", weights.momentum.span());
}

bool is_scalar(const TensorEntry& entry) { return entry.name.starts_with(kScalar); }

std::int64_t updates_of(const TensorReader& file) {
  const std::string& text = file.text("updates");
  std::int64_t updates = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), updates);
  if (problem != std::errc{} || end != text.data() + text.size() || updates < 0) {
    throw Error(ExitCode::kFile,
                file.path().string() + ": updates is '" + text + "', which is no number of them");
  }
  return updates;
}

void check_tensors(const TensorReader& file, const ParameterSpace& space,
                   const std::map<std::string, double>& scalars) {
  std::vector<TensorEntry> found_weights, found_scalars;
  std::ranges::partition_copy(file.entries(), std::back_inserter(found_scalars),
                              std::back_inserter(found_weights), is_scalar);
  std::vector<ExpectedTensor> weights_due, scalars_due;
  for (const char* kind : {"mean", "curvature", "momentum"}) {
    std::ranges::move(expected_weights(space, kind), std::back_inserter(weights_due));
  }
  for (const auto& [name, value] : scalars) scalars_due.push_back({kScalar + name, {}});
  expect_tensors(file.path(), found_weights, weights_due, TensorType::kF32);
  expect_tensors(file.path(), found_scalars, scalars_due, TensorType::kF64);
}

}  // namespace

void save_weight_checkpoint(const Stream& stream, const std::filesystem::path& folder,
                            const CheckpointIdentity& identity, const ParameterSpace& space,
                            const WeightTrainingState& state) {
  auto metadata = checkpoint_metadata(kFormat, identity, state.step);
  metadata["updates"] = std::to_string(state.weights.updates);
  std::vector<TensorEntry> entries;
  for (const auto& [name, value] : state.scalars) {
    entries.push_back({kScalar + name, TensorType::kF64, {}});
  }
  each_vector(state.weights, [&](const char* kind, auto) {
    std::ranges::move(weight_entries(space, kind), std::back_inserter(entries));
  });
  TensorWriter file(checkpoint_path(folder, state.step), std::move(metadata), std::move(entries),
                    Checksum::kLast);
  for (const auto& [name, value] : state.scalars) file.write(std::as_bytes(std::span(&value, 1)));
  each_vector(state.weights, [&](const char*, std::span<const float> values) {
    write_weights(stream, space, values, file);
  });
  file.commit();
  remove_old_checkpoints(folder, state.step);
}

std::optional<WeightTrainingState> load_weight_checkpoint(
    const Stream& stream, const std::filesystem::path& folder, const CheckpointIdentity& identity,
    const ParameterSpace& space, const std::map<std::string, double>& scalars,
    const std::function<void(const std::string&)>& warn) {
  const auto newest = open_newest_checkpoint(folder, kFormat, identity, warn);
  if (!newest) return std::nullopt;
  check_tensors(newest->file, space, scalars);
  WeightTrainingState state{newest->step, WeightState(stream.device(), space.size()), scalars};
  state.weights.updates = updates_of(newest->file);
  for (auto& [name, value] : state.scalars) {
    newest->file.read(newest->file.entry(kScalar + name), 0,
                      std::as_writable_bytes(std::span(&value, 1)));
  }
  each_vector(state.weights, [&](const char* kind, std::span<float> values) {
    read_weights(stream, newest->file, space, kind, values);
  });
  return state;
}

}  // namespace bayesum
