#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace bayesum {

// Replaces a file by bytes that come piece by piece, whole or not at all: temporary file beside it,
// fsync, rename, fsync of the folder. Error(kFile) naming path and cause (for a full disk the bytes
// needed and free); the old file then stands and the temporary one is gone.
class AtomicFile {
 public:
  // `bytes`: how many will come, for messages.
  AtomicFile(std::filesystem::path path, std::uint64_t bytes);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();  // without commit(), the old file stands

  const std::filesystem::path& path() const { return target_; }
  void write(std::span<const std::byte> bytes);
  void commit();

 private:
  [[noreturn]] void fail();
  void discard();

  std::filesystem::path target_;
  std::uint64_t needed_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

// Such a file of bytes that are all there.
void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_atomically(const std::filesystem::path& path, std::string_view text);

// Removes the temporary files of such writes that a killed process has left in the folder. Only
// where nobody else is writing.
void remove_temporary_files(const std::filesystem::path& folder);

}  // namespace bayesum
