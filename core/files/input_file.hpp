#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace bayesum {

// A regular file, open for reading at any place; its size is what it was when opened.
class InputFile {
 public:
  // Error(kFile) naming path and cause when it is missing, unreadable, or not a regular file.
  explicit InputFile(std::filesystem::path path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }

  // Fills `out` with the bytes from `first` on. Error(kFile) when the file ends before, or on any
  // failure of the system.
  void read(std::uint64_t first, std::span<std::byte> out) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace bayesum
