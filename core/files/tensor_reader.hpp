#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/files/input_file.hpp"
#include "core/files/tensor_header.hpp"

namespace bayesum {

// Whether the last tensor of a file is "checksum" (U8, 8 bytes), the XXH3 of every byte before it,
// by which any flipped bit, truncation or extension is found. Files of bayesum have it; those of
// others do not, and those made for others shall not.
enum class Checksum { kNone, kLast };

// A safetensors file, open for reading tensors from it piece by piece. Nothing is allocated but the
// header, within its limits, and what the caller asks for.
class TensorReader {
 public:
  // Reads and checks the header, and with Checksum::kLast the whole file against its checksum, in
  // pieces. Every fault is Error(kFile) naming the path and what is wrong.
  TensorReader(const std::filesystem::path& path, Checksum checksum);

  const std::filesystem::path& path() const { return file_->path(); }
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }
  // In the order of their bytes, without the checksum.
  const std::vector<TensorEntry>& entries() const { return header_.entries; }

  bool has(const std::string& name) const;
  // The value, or Error(kFile) naming path and key.
  const TensorEntry& entry(const std::string& name) const;
  const std::string& text(const std::string& key) const;

  // Fills `out` with bytes or elements of a tensor from number `first` of them on. Elements are
  // converted to float: see to_floats. Error(kFile) when the type cannot be, Error(kUsage) when the
  // tensor has fewer.
  void read(const TensorEntry& entry, std::uint64_t first, std::span<std::byte> out) const;
  void read(const TensorEntry& entry, std::uint64_t first, std::span<float> out) const;

  // A whole tensor. Error(kFile) naming it when memory or its type do not let it be.
  std::vector<float> floats(const std::string& name) const;
  std::vector<std::int64_t> integers(const std::string& name) const;  // of I64, I32 or U8

 private:
  void take_checksum();
  void check_type(const TensorEntry& entry, bool fits, const char* wanted) const;

  std::unique_ptr<const InputFile> file_;
  std::uint64_t data_ = 0;  // where the first tensor begins
  TensorHeader header_;
};

}  // namespace bayesum
