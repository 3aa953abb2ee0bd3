#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/files/tensor_type.hpp"

namespace bayesum {

// One tensor of a safetensors file, row-major.
struct TensorEntry {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<std::size_t> shape;
  std::uint64_t first = 0;  // its first byte, counted from the first of all tensors

  std::size_t elements() const;
  std::size_t bytes() const { return elements() * element_bytes(type); }
};

std::string shape_text(const std::vector<std::size_t>& shape);  // "[2, 3]"

// What stands before the data: 8 bytes, the length of the JSON after them; and that.
struct TensorHeader {
  static constexpr std::size_t kLengthBytes = 8;
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
  static constexpr std::size_t kMaxEntries = 4096;  // tensors, and metadata
  static constexpr std::size_t kMaxRank = 8;

  std::map<std::string, std::string> metadata;
  std::vector<TensorEntry> entries;  // in the order of their bytes

  // Checked: of known types, sizes that fit shapes, no name twice, and tensors that cover all of
  // `data_bytes` without overlap or gap. Error(kFile) naming the path and what is wrong.
  static TensorHeader parse(const std::filesystem::path& path, const std::string& json,
                            std::uint64_t data_bytes);

  // The JSON, padded to a multiple of 8 bytes; places the entries one after the other.
  // Error(kUsage) for what parse would refuse, and for elements that would not be aligned to their
  // size.
  std::string place(const std::filesystem::path& path);
};

}  // namespace bayesum
