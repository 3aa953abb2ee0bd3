#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "core/files/safetensors.hpp"
#include "core/files/tensor_writer.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {
namespace {

using Path = std::filesystem::path;

Path copy_path() {
  return std::filesystem::temp_directory_path() /
         ("bayesum-fuzz-" + std::to_string(::getpid()) + ".safetensors");
}

std::vector<std::byte> bytes_of(const TensorReader& file, const TensorEntry& entry) {
  std::vector<std::byte> bytes(entry.bytes());
  file.read(entry, 0, std::span(bytes));
  return bytes;
}

// As the file of somebody else: whatever its types, it is written and read back, byte for byte.
void read_as_foreign(const Path& path) {
  const TensorReader file(path, Checksum::kNone);
  std::vector<std::vector<std::byte>> contents;
  std::vector<TensorView> views;
  contents.reserve(file.entries().size());
  for (const TensorEntry& entry : file.entries()) {
    contents.push_back(bytes_of(file, entry));
    views.push_back({entry.name, entry.type, entry.shape, contents.back()});
    if (is_floating(entry.type)) {
      require(file.floats(entry.name).size() == entry.elements(), "other floats than elements");
    }
  }
  const Path copy = copy_path();
  write_tensors(copy, file.metadata(), views, Checksum::kNone);
  const TensorReader again(copy, Checksum::kNone);
  std::filesystem::remove(copy);
  require(again.metadata() == file.metadata() && again.entries().size() == views.size(),
          "other metadata or tensors after writing");
  for (const TensorView& view : views) {
    const TensorEntry& entry = again.entry(view.name);
    require(entry.type == view.type && entry.shape == view.shape &&
                std::ranges::equal(bytes_of(again, entry), view.bytes),
            "another tensor after writing");
  }
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

// As a file of ours: of doubles, with a checksum.
void read_as_ours(const Path& path) {
  const TensorFile file = read_tensors(path);
  const Path copy = copy_path();
  write_tensors(copy, file);
  const TensorFile again = read_tensors(copy);
  std::filesystem::remove(copy);
  require(again.metadata == file.metadata && again.tensors.size() == file.tensors.size(),
          "other metadata or tensors after writing");
  for (const auto& [name, tensor] : file.tensors) {
    const Tensor& other = again.tensor(name);
    require(other.shape == tensor.shape && same_bits(other.values, tensor.values),
            "another tensor after writing");
  }
}

}  // namespace

void read_input(std::span<const std::byte> bytes) {
  const Path path = file_of(bytes);
  read_as_foreign(path);
  read_as_ours(path);
}

}  // namespace bayesum::fuzz
