#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/files/tensor_reader.hpp"

namespace bayesum {

// A float64 tensor of a safetensors file.
struct Tensor {
  std::vector<std::size_t> shape;
  std::vector<double> values;
};

// What posterior and checkpoint files hold where they are small: named float64 tensors and string
// metadata, in the safetensors format (8-byte little-endian header length, JSON header, data),
// which Python's safetensors and NumPy open as it is, with a checksum. For large tensors and other
// types see TensorReader and TensorWriter.
struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::map<std::string, Tensor> tensors;

  // The value, or Error(kFile) naming path and key.
  const Tensor& tensor(const std::string& name) const;
  const std::string& text(const std::string& key) const;

  std::filesystem::path path;  // where it was read from, for messages
};

// Whole or absent: temporary file, fsync, rename, fsync of the folder. Error(kFile) naming path,
// and for a full disk the bytes needed and free; the old file then stands.
void write_tensors(const std::filesystem::path& path, const TensorFile& file);

// Reads with limits before it allocates: sizes, nesting, duplicates, overlap, coverage, checksum.
// Every fault is Error(kFile) naming the path and what is wrong.
TensorFile read_tensors(const std::filesystem::path& path);
TensorFile read_tensors(const TensorReader& file);

}  // namespace bayesum
