#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace bayesum {

// What tells a file from the same file changed in place.
struct FileVersion {
  std::uint64_t size = 0;     // in bytes
  std::int64_t modified = 0;  // when its content was last changed, in nanoseconds since 1970

  friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

// Error(kFile) saying that the file changed since it was opened, unless the two are one.
void require_unchanged(const std::filesystem::path& path, const FileVersion& opened,
                       const FileVersion& now);

// A regular file, open for reading at any place.
class InputFile {
 public:
  // Error(kFile) naming path and cause when it is missing, unreadable, or not a regular file.
  explicit InputFile(std::filesystem::path path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return version_.size; }
  // Size and time when it was opened.
  const FileVersion& version() const { return version_; }

  // Fills `out` with the bytes from `first` on. Error(kFile) when the file ends before, was
  // changed in place since it was opened, or on any failure of the system.
  void read(std::uint64_t first, std::span<std::byte> out) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  FileVersion version_;
};

}  // namespace bayesum
