#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/files/byte_file.hpp"
#include "core/files/hash.hpp"
#include "distributed/virtual_shards.hpp"

namespace bayesum {

// The lines that start in a range of a file's bytes, one after the other, and the hash of them all.
// Ranges that tile the file give every line once. Holds a chunk of the file, or one line where that
// is longer; a line of more than 64 MiB is Error(kFile).
class Lines {
 public:
  // `body` holds all lines, `bytes` is within it. The file must outlive it.
  Lines(const ByteFile& file, Range body, Range bytes);

  // The next line without its end (\n or \r\n); false when there is none. Valid until the next
  // call.
  bool next(std::string_view& line);

  // The bytes of the file where the last line starts, and where the one after it would.
  std::uint64_t start() const { return start_; }
  std::uint64_t end() const { return origin_ + cursor_; }

  std::uint64_t hash();

 private:
  void hash_lines_read();
  void load_more();

  ByteReader file_;
  std::size_t file_end_;
  std::size_t last_;
  std::size_t origin_;  // the byte of the file at buffer_[0]
  std::vector<char> buffer_;
  std::size_t loaded_ = 0;
  std::size_t cursor_ = 0;  // where the next line starts in the buffer
  std::size_t hashed_ = 0;  // up to where the buffer is hashed
  std::uint64_t start_ = 0;
  Hash hash_;
};

// Where the text begins: behind the byte order mark of UTF-8, where there is one.
std::uint64_t text_start(const ByteFile& file);

// The number of the line (from 1) that holds this byte.
std::size_t line_of(const ByteFile& file, std::uint64_t byte);

}  // namespace bayesum
