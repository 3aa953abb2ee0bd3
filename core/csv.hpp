#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "distributed/virtual_shards.hpp"
#include "kernels/matrix.hpp"

namespace bayesum {

// A comma-separated file of numbers with one header line of column names. Any range of its bytes
// can be read on its own: a line belongs to the range in which it starts, so ranges that tile the
// file give every row exactly once. Memory is bounded by the block of rows and the longest line (64
// MiB at most), not by the file.
class CsvFile {
 public:
  // Opens and reads the header. Error(kFile) for a missing, empty, or headerless file and for
  // duplicate or empty column names.
  explicit CsvFile(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<std::string>& columns() const { return columns_; }
  // Index of a column; Error(kUsage) naming the nearest column when there is none of that name.
  std::size_t column(const std::string& name) const;
  // The bytes after the header.
  Range body() const { return body_; }

  // What a reader of rows is handed: `rows.rows` rows of the selected columns, in the order of the
  // selection, and the byte at which each row starts (for messages, see line_of).
  using Visitor =
      std::function<void(MatrixView<const double> rows, std::span<const std::uint64_t> starts)>;

  // Reads the lines that start in `bytes`, in blocks of at most `block_rows` rows. A ragged row, or
  // a selected field that is not a finite number, is Error(kFile) naming path, line, column and
  // text; columns that are not selected may hold any text. A quoted field is refused in any column.
  // Spaces around fields, blank lines, \r\n and a missing last newline are fine. Returns the XXH3
  // hash of the bytes of the lines read, so that the fingerprints of ranges can be combined.
  std::uint64_t read(Range bytes, std::span<const std::size_t> selection, std::size_t block_rows,
                     const Visitor& visit) const;

  // The number of the line (from 1, the header's) that holds this byte.
  std::size_t line_of(std::uint64_t byte) const;

 private:
  std::filesystem::path path_;
  std::vector<std::string> columns_;
  std::unordered_map<std::string, std::size_t> index_;
  Range body_;
};

}  // namespace bayesum
