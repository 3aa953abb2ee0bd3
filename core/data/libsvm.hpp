#pragma once

#include <optional>

#include "core/data/table_file.hpp"
#include "core/files/byte_file.hpp"

namespace bayesum {

// Sparse rows in the text format of LIBSVM (Chang and Lin, "LIBSVM: A library for support vector
// machines", ACM TIST 2, 2011): `label index:value index:value`, indices from 1 to 2^31 - 1,
// ascending, what is not written is 0. Its columns are "label", which rows may go without unless it
// is selected, and one for each index, named "1", "2", ... or as a file of names by lines says.
// `#` begins a comment; a line that is blank but for one is no row. Its extent is its bytes.
class LibsvmFile : public TableFile {
 public:
  static constexpr const char* kLabel = "label";
  static constexpr std::size_t kMostFeatures = std::size_t{1} << 20;

  // Error(kFile) when a file cannot be read.
  explicit LibsvmFile(std::filesystem::path path, const std::filesystem::path& names = {});

  // Without names every number from 1 to 2^31 - 1 is a column, of zeros where no row speaks of it.
  std::size_t column(const std::string& name) const override;
  bool sparse() const override { return true; }
  std::size_t widest(Range part) const override;
  // Names columns 1 to width - 1 where they have no names; Error(kFile) beyond 2^20 features.
  void set_width(std::size_t width) override;

  void name_columns(const std::vector<std::string>& names) override;

  Range extent() const override { return {start_, file_.size()}; }
  // An index that is not above the one before it, of no feature that has a name, or a value that is
  // not a finite number is Error(kFile).
  std::uint64_t read(Range bytes, const Selection& selection, std::size_t block_rows,
                     const Visitor& visit) const override;
  std::string place(std::uint64_t start) const override;

 private:
  ByteFile file_;
  std::uint64_t start_ = 0;  // of the text
  bool named_ = false;
};

}  // namespace bayesum
