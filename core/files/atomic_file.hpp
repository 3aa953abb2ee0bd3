#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace bayesum {

// Replaces the file by these bytes, whole or not at all: temporary file beside it, fsync, rename,
// fsync of the folder. Error(kFile) naming path and cause (for a full disk the bytes needed and
// free); the old file then stands and the temporary one is gone.
void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_atomically(const std::filesystem::path& path, std::string_view text);

// The same for bytes that come piece by piece. Without commit() the old file stands.
class AtomicFile {
 public:
  // `needed`: how many bytes there will be, for the message of a full disk.
  AtomicFile(std::filesystem::path target, std::uint64_t needed);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  const std::filesystem::path& path() const { return target_; }
  void write(std::span<const std::byte> bytes);  // at the end
  void overwrite(std::uint64_t first, std::span<const std::byte> bytes);
  void commit();

 private:
  [[noreturn]] void fail();
  void discard();

  std::filesystem::path target_;
  std::uint64_t needed_;
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  int descriptor_ = -1;
};

// Removes the temporary files of such writes that a killed process has left in the folder. Only
// where nobody else is writing.
void remove_temporary_files(const std::filesystem::path& folder);

}  // namespace bayesum
