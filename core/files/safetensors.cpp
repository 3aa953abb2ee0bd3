#include "core/files/safetensors.hpp"

#include <span>
#include <utility>

#include "core/files/tensor_writer.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw Error(ExitCode::kFile, path.string() + ": " + why);
}

Tensor read_tensor(const TensorReader& file, const TensorEntry& entry) {
  if (entry.type != TensorType::kF64) {
    refuse(file.path(), "tensor '" + entry.name + "' is not of type F64");
  }
  Tensor tensor{entry.shape, {}};
  try {
    tensor.values.resize(entry.elements());
  } catch (const std::exception&) {
    refuse(file.path(), "there is no memory for tensor '" + entry.name + "'");
  }
  file.read(entry, 0, std::as_writable_bytes(std::span(tensor.values)));
  return tensor;
}

}  // namespace

const Tensor& TensorFile::tensor(const std::string& name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) refuse(path, "there is no tensor '" + name + "'");
  return found->second;
}

const std::string& TensorFile::text(const std::string& key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end()) refuse(path, "there is no metadata '" + key + "'");
  return found->second;
}

void write_tensors(const std::filesystem::path& path, const TensorFile& file) {
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : file.tensors) {
    views.push_back(
        {name, TensorType::kF64, tensor.shape, std::as_bytes(std::span(tensor.values))});
  }
  write_tensors(path, file.metadata, std::move(views), Checksum::kLast);
}

TensorFile read_tensors(const std::filesystem::path& path) {
  return read_tensors(TensorReader(path, Checksum::kLast));
}

TensorFile read_tensors(const TensorReader& file) {
  TensorFile result{file.metadata(), {}, file.path()};
  for (const TensorEntry& entry : file.entries()) {
    result.tensors[entry.name] = read_tensor(file, entry);
  }
  return result;
}

}  // namespace bayesum
