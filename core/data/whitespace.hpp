#pragma once

#include "core/data/table_file.hpp"
#include "core/files/byte_file.hpp"

namespace bayesum {

// Lines of numbers with blanks or tabs between them and no header, as NumPy's savetxt and the UCI
// repository have them: columns "x1", "x2", ..., as many as the first line has, or those of a file
// of names by lines. What follows a # is a comment; blank lines are fine. Its extent is its bytes.
class WhitespaceFile : public TableFile {
 public:
  // Error(kFile) for a missing or empty file, or names that are not as many as the columns.
  explicit WhitespaceFile(std::filesystem::path path, const std::filesystem::path& names = {});

  Range extent() const override { return {0, file_.size()}; }
  // A line of more or fewer fields than the first, or a selected field that is not a finite number,
  // is Error(kFile).
  std::uint64_t read(Range bytes, const Selection& selection, std::size_t block_rows,
                     const Visitor& visit) const override;
  std::string place(std::uint64_t start) const override;

 private:
  ByteFile file_;
};

}  // namespace bayesum
