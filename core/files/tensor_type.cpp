#include "core/files/tensor_type.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

struct TypeRow {
  TensorType type;
  const char* name;
  std::size_t bytes;
};

constexpr std::array<TypeRow, 13> kTypes{{{TensorType::kF64, "F64", 8},
                                          {TensorType::kI64, "I64", 8},
                                          {TensorType::kU64, "U64", 8},
                                          {TensorType::kF32, "F32", 4},
                                          {TensorType::kI32, "I32", 4},
                                          {TensorType::kU32, "U32", 4},
                                          {TensorType::kF16, "F16", 2},
                                          {TensorType::kBf16, "BF16", 2},
                                          {TensorType::kI16, "I16", 2},
                                          {TensorType::kU16, "U16", 2},
                                          {TensorType::kI8, "I8", 1},
                                          {TensorType::kU8, "U8", 1},
                                          {TensorType::kBool, "BOOL", 1}}};

const TypeRow& row_of(TensorType type) { return kTypes.at(static_cast<std::size_t>(type)); }

static_assert([] {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].type != static_cast<TensorType>(i)) return false;
  }
  return true;
}());

float float_of_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1fu;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign == 0 ? magnitude : -magnitude;
  }
  const std::uint32_t widened = exponent == 0x1f ? 0xffu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

float float_of_bfloat(std::uint16_t upper) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(upper) << 16);
}

template <class From, class To, class Convert>
void convert(std::span<const std::byte> bytes, std::span<To> out, const Convert& one) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    From value;
    std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
    out[i] = one(value);
  }
}

void check_size(TensorType type, std::size_t bytes, std::size_t elements) {
  if (bytes != elements * element_bytes(type)) {
    throw Error(ExitCode::kUsage, std::to_string(bytes) + " bytes are not " +
                                      std::to_string(elements) + " elements of type " +
                                      to_string(type));
  }
}

[[noreturn]] void refuse(TensorType type, const char* wanted) {
  throw Error(ExitCode::kUsage, "elements of type " + to_string(type) + " are not " + wanted);
}

}  // namespace

std::size_t element_bytes(TensorType type) { return row_of(type).bytes; }

std::string to_string(TensorType type) { return row_of(type).name; }

std::optional<TensorType> tensor_type(const std::string& name) {
  const auto found = std::ranges::find(kTypes, name, &TypeRow::name);
  if (found == kTypes.end()) return std::nullopt;
  return found->type;
}

bool is_floating(TensorType type) {
  return type == TensorType::kF64 || type == TensorType::kF32 || type == TensorType::kF16 ||
         type == TensorType::kBf16;
}

bool is_whole(TensorType type) {
  return type == TensorType::kI64 || type == TensorType::kI32 || type == TensorType::kU8;
}

void to_floats(TensorType type, std::span<const std::byte> bytes, std::span<float> out) {
  check_size(type, bytes.size(), out.size());
  const auto cast = [](auto value) { return static_cast<float>(value); };
  if (type == TensorType::kF64) return convert<double>(bytes, out, cast);
  if (type == TensorType::kF32) return convert<float>(bytes, out, cast);
  if (type == TensorType::kF16) return convert<std::uint16_t>(bytes, out, float_of_half);
  if (type == TensorType::kBf16) return convert<std::uint16_t>(bytes, out, float_of_bfloat);
  refuse(type, "floating-point numbers");
}

void to_integers(TensorType type, std::span<const std::byte> bytes, std::span<std::int64_t> out) {
  check_size(type, bytes.size(), out.size());
  const auto cast = [](auto value) { return static_cast<std::int64_t>(value); };
  if (type == TensorType::kI64) return convert<std::int64_t>(bytes, out, cast);
  if (type == TensorType::kI32) return convert<std::int32_t>(bytes, out, cast);
  if (type == TensorType::kU8) return convert<std::uint8_t>(bytes, out, cast);
  refuse(type, "of type I64, I32 or U8");
}

}  // namespace bayesum
