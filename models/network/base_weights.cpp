#include "models/network/base_weights.hpp"

#include "core/files/hash.hpp"
#include "core/weights/weight_tensors.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "bayesum-base-1";
constexpr const char* kKind = "base";

[[noreturn]] void refuse(const std::string& why) { throw Error(ExitCode::kFile, why); }

}  // namespace

fs::path base_path(const fs::path& posterior) {
  return posterior.parent_path() / "base.safetensors";
}

std::uint64_t hash_of_weights(std::span<const float> weights) {
  return hash_of(std::as_bytes(weights));
}

void write_base(const Stream& stream, const fs::path& posterior, const ParameterSpace& space,
                std::span<const float> weights) {
  TensorWriter file(base_path(posterior), {{"format", kFormat}}, weight_entries(space, kKind),
                    Checksum::kLast);
  write_weights(stream, space, weights, file);
  file.commit();
}

std::vector<float> read_base(const fs::path& posterior, const ParameterSpace& space,
                             std::uint64_t hash) {
  const fs::path path = base_path(posterior);
  if (!fs::exists(path)) {
    refuse(posterior.string() + " holds adapters of the weights in " + path.string() +
           ", and there is no such file");
  }
  const TensorReader file(path, Checksum::kLast);
  if (file.text("format") != kFormat) {
    refuse(path.string() + ": format is '" + file.text("format") + "' where '" + kFormat +
           "' belongs");
  }
  expect_tensors(path, file.entries(), expected_weights(space, kKind), TensorType::kF32);
  std::vector<float> weights(space.size());
  read_weights(Stream(), file, space, kKind, weights);
  if (hash_of_weights(weights) == hash) return weights;
  refuse(path.string() + " holds other weights than those that the adapters in " +
         posterior.string() + " were trained on");
}

}  // namespace bayesum
