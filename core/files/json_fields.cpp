#include "core/files/json_fields.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>

#include "core/files/input_file.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 20;

}  // namespace

JsonFields read_json_fields(const std::filesystem::path& path) {
  const InputFile file(path);
  if (file.size() > kMaxBytes) {
    throw Error(ExitCode::kFile, path.string() + ": it has more than " + std::to_string(kMaxBytes) +
                                     " bytes, the limit of its kind");
  }
  std::string text(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) {
    throw Error(ExitCode::kFile, path.string() + ": it is not a JSON object");
  }
  JsonFields fields;
  for (const auto& [key, value] : object.items()) fields[key] = value.dump();
  return fields;
}

}  // namespace bayesum
