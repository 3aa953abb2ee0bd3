#include "core/examples/idx.hpp"

#include <array>
#include <string>

#include "core/files/byte_file.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

[[noreturn]] void refuse(const ByteFile& file, const std::string& why) {
  throw Error(ExitCode::kFile, file.path().string() + ": " + why);
}

std::string hexadecimal(std::uint32_t number) {
  std::string text;
  for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789abcdef"[number >> shift & 0xf];
  return "0x" + text;
}

// The magic number and as many sizes as its last byte says.
template <std::size_t dimensions>
std::array<std::uint32_t, dimensions> sizes_of(const ByteFile& file, ByteReader& reader,
                                               const char* what) {
  constexpr std::uint32_t kMagic = 0x800 + dimensions;
  std::array<std::byte, 4 * (dimensions + 1)> header;
  if (file.size() < header.size()) {
    refuse(file, "its " + std::to_string(file.size()) + " bytes are no IDX file of " + what);
  }
  reader.read(0, header);
  const auto number = [&](std::size_t i) {
    std::uint32_t value = 0;
    for (std::size_t j = 4 * i; j < 4 * i + 4; ++j) {
      value = value << 8 | std::to_integer<std::uint32_t>(header[j]);
    }
    return value;
  };
  if (number(0) != kMagic) {
    refuse(file, "its magic number is " + hexadecimal(number(0)) + ", that of " + what + " is " +
                     hexadecimal(kMagic));
  }
  std::array<std::uint32_t, dimensions> sizes;
  for (std::size_t i = 0; i < dimensions; ++i) sizes[i] = number(i + 1);
  return sizes;
}

// What follows the header, exactly as much as the sizes say; nothing is allocated before that.
template <std::size_t dimensions>
std::vector<std::uint8_t> body_of(const ByteFile& file, ByteReader& reader,
                                  const std::array<std::uint32_t, dimensions>& sizes) {
  const std::uint64_t header = 4 * (dimensions + 1);
  std::uint64_t bytes = 1;
  std::string shape;
  bool overflows = false;
  for (const std::uint32_t size : sizes) {
    overflows = __builtin_mul_overflow(bytes, std::uint64_t{size}, &bytes) || overflows;
    shape += (shape.empty() ? "" : " x ") + std::to_string(size);
  }
  if (overflows || bytes == 0 || bytes != file.size() - header) {
    refuse(file, "its sizes, " + shape + ", are not those of the " +
                     std::to_string(file.size() - header) + " bytes after its header");
  }
  std::vector<std::uint8_t> body(bytes);
  reader.read(header, std::as_writable_bytes(std::span(body)));
  return body;
}

}  // namespace

IdxImages read_idx_images(const std::filesystem::path& path) {
  const ByteFile file(path);
  ByteReader reader(file);
  const auto sizes = sizes_of<3>(file, reader, "images");
  return {sizes[0], sizes[1], sizes[2], body_of(file, reader, sizes)};
}

std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& path) {
  const ByteFile file(path);
  ByteReader reader(file);
  return body_of(file, reader, sizes_of<1>(file, reader, "labels"));
}

}  // namespace bayesum
