#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace bayesum {

// A float64 tensor of a safetensors file.
struct Tensor {
  std::vector<std::size_t> shape;
  std::vector<double> values;
};

// What posterior and checkpoint files hold: named float64 tensors and string metadata, in the
// safetensors format (8-byte little-endian header length, JSON header, data), which Python's
// safetensors and NumPy open as it is. The last tensor, "checksum" (U8, 8 bytes), is the XXH3 of
// every byte before it: any flipped bit, truncation or extension is found.
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

}  // namespace bayesum
