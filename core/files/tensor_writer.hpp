#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/files/atomic_file.hpp"
#include "core/files/hash.hpp"
#include "core/files/tensor_header.hpp"
#include "core/files/tensor_reader.hpp"

namespace bayesum {

// Writes a safetensors file as its tensors come, without holding them: whole or absent, as
// AtomicFile does. Larger elements go before smaller ones, which keeps all of them aligned.
class TensorWriter {
 public:
  // Writes the header. Error(kUsage) for what TensorReader would refuse.
  TensorWriter(std::filesystem::path path, std::map<std::string, std::string> metadata,
               std::vector<TensorEntry> entries, Checksum checksum);

  // The bytes of all tensors, one after the other in the order of the entries, cut anywhere.
  void write(std::span<const std::byte> bytes);

  // The file stands under its name. Error(kUsage) unless every byte of the tensors was written.
  void commit();

 private:
  void append(std::span<const std::byte> bytes);

  TensorHeader header_;
  Checksum checksum_;
  std::string json_;
  std::uint64_t missing_ = 0;  // bytes of tensors that have not come
  Hash hash_;
  AtomicFile file_;
};

// A tensor to be written from where it lies.
struct TensorView {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<std::size_t> shape;
  std::span<const std::byte> bytes;
};

// All at once, in the order given but for larger elements before smaller ones. Error(kUsage) also
// for bytes that do not fit the shape.
void write_tensors(const std::filesystem::path& path, std::map<std::string, std::string> metadata,
                   std::vector<TensorView> tensors, Checksum checksum);

}  // namespace bayesum
