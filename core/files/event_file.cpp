#include "core/files/event_file.hpp"

#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

// Wire types and field numbers of Protocol Buffers.
constexpr unsigned kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;
constexpr unsigned kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5;  // of Event
constexpr unsigned kValue = 1;                                                // of Summary
constexpr unsigned kTag = 1, kSimpleValue = 2;                                // of Summary.Value

std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    table[byte] = crc;
  }
  return table;
}

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    bytes += static_cast<char>((value >> (8 * i)) & 0xff);
  }
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}

std::string key(unsigned field, unsigned type) { return varint(field << 3 | type); }

std::string bytes_field(unsigned field, std::string_view bytes) {
  return key(field, kBytes) + varint(bytes.size()) + std::string(bytes);
}

std::string double_field(unsigned field, double value) {
  return key(field, kFixed64) + little_endian(std::bit_cast<std::uint64_t>(value));
}

std::string float_field(unsigned field, float value) {
  return key(field, kFixed32) + little_endian(std::bit_cast<std::uint32_t>(value));
}

std::string masked_crc(std::string_view bytes) {
  return little_endian(std::rotr(crc32c(bytes), 15) + 0xa282ead8u);
}

double now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = crc_table();
  std::uint32_t crc = 0xffffffffu;
  for (const char byte : bytes) {
    crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xff] ^ (crc >> 8);
  }
  return ~crc;
}

EventFile::EventFile(const std::filesystem::path& folder, const std::string& host)
    : path_(folder / (kPrefix + std::to_string(static_cast<std::int64_t>(now())) + "." + host +
                      "." + std::to_string(::getpid()))),
      file_(path_, std::ios::binary | std::ios::app) {
  write_record(double_field(kWallTime, now()) + bytes_field(kFileVersion, "brain.Event:2"));
}

void EventFile::write(std::int64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const Scalar& scalar : scalars) {
    summary += bytes_field(kValue, bytes_field(kTag, scalar.tag) +
                                       float_field(kSimpleValue, static_cast<float>(scalar.value)));
  }
  write_record(double_field(kWallTime, now()) + key(kStep, kVarint) +
               varint(static_cast<std::uint64_t>(step)) + bytes_field(kSummary, summary));
}

void EventFile::write_record(const std::string& message) {
  const std::string length = little_endian(static_cast<std::uint64_t>(message.size()));
  file_ << length << masked_crc(length) << message << masked_crc(message) << std::flush;
  if (!file_) {
    throw Error(ExitCode::kFile,
                path_.string() + " cannot be written: " + std::generic_category().message(errno));
  }
}

}  // namespace bayesum
