#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/files/safetensors.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {
namespace {

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

}  // namespace

// What was read is written and read back, bit for bit.
void read_input(std::span<const std::byte> bytes) {
  const TensorFile file = read_tensors(file_of(bytes));
  const auto copy = std::filesystem::temp_directory_path() /
                    ("bayesum-fuzz-" + std::to_string(::getpid()) + ".safetensors");
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

}  // namespace bayesum::fuzz
