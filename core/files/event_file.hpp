#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bayesum {

// Curves for TensorBoard: a file of its Event messages, each a record of TFRecord framing,
//
//   uint64 length, uint32 masked crc32c of those 8 bytes, the message, uint32 masked crc32c of it,
//
// little-endian; masked(c) = (c rotated right by 15) + 0xa282ead8 (tensorflow/core/lib/io/
// record_writer.h, lib/hash/crc32c.h). The first message says file_version "brain.Event:2". Those
// of scalars hold wall_time, step and a summary of values with tag and simple_value
// (tensorflow/core/util/event.proto, framework/summary.proto).
class EventFile {
 public:
  static constexpr const char* kPrefix = "events.out.tfevents.";

  struct Scalar {
    std::string_view tag;
    double value = 0;
  };

  // Creates events.out.tfevents.SECONDS.HOST.PROCESS in the folder, which TensorBoard reads beside
  // those of earlier starts of the run. Error(kFile) when it cannot be written.
  EventFile(const std::filesystem::path& folder, const std::string& host);

  const std::filesystem::path& path() const { return path_; }
  // One message, flushed. Error(kFile) when it cannot be written.
  void write(std::int64_t step, std::span<const Scalar> scalars);

 private:
  void write_record(const std::string& message);

  std::filesystem::path path_;
  std::ofstream file_;
};

// The crc32c (Castagnoli polynomial) of bytes.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace bayesum
