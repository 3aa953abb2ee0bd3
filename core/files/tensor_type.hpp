#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace bayesum {

// Types of the elements of a safetensors file. F16 is IEEE 754 binary16; BF16 the upper half of a
// binary32. All are little-endian.
enum class TensorType {
  kF64,
  kI64,
  kU64,
  kF32,
  kI32,
  kU32,
  kF16,
  kBf16,
  kI16,
  kU16,
  kI8,
  kU8,
  kBool
};

std::size_t element_bytes(TensorType type);
std::string to_string(TensorType type);  // "F32", as in the files
std::optional<TensorType> tensor_type(const std::string& name);

bool is_floating(TensorType type);
bool is_whole(TensorType type);  // I64, I32 or U8

// The elements in `bytes`, one for each of `out`. F32, F16 and BF16 keep their value; F64 is
// rounded to the nearest float. Error(kUsage) for a type that is not floating.
void to_floats(TensorType type, std::span<const std::byte> bytes, std::span<float> out);
// The same for I64, I32 and U8.
void to_integers(TensorType type, std::span<const std::byte> bytes, std::span<std::int64_t> out);

}  // namespace bayesum
