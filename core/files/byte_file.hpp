#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "core/files/gzip.hpp"
#include "core/files/input_file.hpp"

namespace bayesum {

// The bytes of a regular file, or of what it unpacks to when it begins as gzip files do: known by
// size, and read through a ByteReader.
class ByteFile {
 public:
  // Error(kFile) when it cannot be read. A gzip file is unpacked once from end to end, for the
  // index of places from which it can be read.
  explicit ByteFile(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }

 private:
  friend class ByteReader;

  std::filesystem::path path_;
  FileVersion version_;                     // of what is on disk
  std::uint64_t size_ = 0;                  // unpacked
  std::shared_ptr<const GzipIndex> index_;  // of a gzip file
};

// Opens the file again, to read it at any place; best one piece after the other. What it
// reads is of the file as the ByteFile found it, by size and time.
class ByteReader {
 public:
  // The file must outlive it. Error(kFile) when the file has changed since.
  explicit ByteReader(const ByteFile& file);

  const std::filesystem::path& path() const { return file_.path(); }
  // Fills `out` with the bytes from `first` on.
  void read(std::uint64_t first, std::span<std::byte> out);

 private:
  InputFile file_;
  std::optional<GzipReader> packed_;
};

}  // namespace bayesum
