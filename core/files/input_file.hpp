#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace bayesum {

// A regular file, open for reading at any place; size and time are what they were when opened.
class InputFile {
 public:
  // Error(kFile) naming path and cause when it is missing, unreadable, or not a regular file.
  explicit InputFile(std::filesystem::path path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  // When its content was last changed, in nanoseconds since 1970.
  std::int64_t modified() const { return modified_; }

  // Fills `out` with the bytes from `first` on. Error(kFile) when the file ends before, or on any
  // failure of the system.
  void read(std::uint64_t first, std::span<std::byte> out) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::int64_t modified_ = 0;
};

}  // namespace bayesum
