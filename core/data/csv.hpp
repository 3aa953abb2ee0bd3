#pragma once

#include "core/data/table_file.hpp"
#include "core/files/byte_file.hpp"

namespace bayesum {

// Comma-separated text (RFC 4180) with one header line of column names; its extent is the bytes
// after the header.
//
// Spaces around fields, blank lines, \r\n and a missing last newline are fine. A field may be
// quoted, and quotes change nothing about its meaning: "1.5" is a number, "NA" is missing. A
// newline inside quotes is refused, naming the line, in whatever column it is: with it, where a row
// starts could not be told without reading the file from its beginning.
class CsvFile : public TableFile {
 public:
  // Opens and reads the header. Error(kFile) for a missing, empty, or headerless file and for
  // duplicate or empty column names.
  explicit CsvFile(std::filesystem::path path);

  Range extent() const override { return body_; }
  // A ragged row, a quote that does not close, or a selected field that is not a finite number, is
  // Error(kFile).
  std::uint64_t read(Range bytes, const Selection& selection, std::size_t block_rows,
                     const Visitor& visit) const override;
  std::string place(std::uint64_t start) const override;

 private:
  ByteFile file_;
  Range body_;
};

}  // namespace bayesum
