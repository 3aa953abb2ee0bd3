#pragma once

#include <memory>

#include "core/data/npy_array.hpp"
#include "core/data/table_file.hpp"

namespace bayesum {

// A NumPy array as a table: columns "x1", "x2", ..., the names of a structured array's fields, or
// those of a file of names by lines. Its extent is its rows. NaN is a missing value.
class NpyFile : public TableFile {
 public:
  explicit NpyFile(std::filesystem::path path, const std::filesystem::path& names = {});

  // Adds an array of one dimension with as many rows, another Error(kFile), as a column named by
  // its path.
  void attach(const std::string& path);

  void name_columns(const std::vector<std::string>& names) override;

  Range extent() const override { return {0, arrays_.front().rows()}; }
  // A selected number that is not finite, nor NaN where a missing value may be, is Error(kFile).
  std::uint64_t read(Range rows, const Selection& selection, std::size_t block_rows,
                     const Visitor& visit) const override;
  std::string place(std::uint64_t start) const override;

 private:
  void finish(const Selection& selection, std::span<const std::uint64_t> starts,
              std::span<double> values) const;

  std::vector<NpyArray> arrays_;  // the table itself, then what was attached
};

}  // namespace bayesum
