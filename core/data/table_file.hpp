#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "distributed/virtual_shards.hpp"
#include "kernels/matrix.hpp"
#include "kernels/sparse.hpp"

namespace bayesum {

// The number that stands for the text of a field, the index of a level. What it throws as Error is
// given the place of the field.
using FieldCode = std::function<double(std::string_view text)>;

// What to read of each row, and how.
struct Selection {
  struct Column {
    std::size_t column = 0;
    FieldCode code = {};  // none: the field must be a number
    bool counts = true;   // is a file of its own part of what is learned from, and hashed?
  };
  std::vector<Column> columns;  // no column twice
  // From here on a sparse file gives only the elements that are there. Those before are dense.
  std::size_t first_sparse = std::numeric_limits<std::size_t>::max();
  bool missing = false;  // is a missing value NaN, or refused?
};

// A block of rows as they are read.
struct TableRows {
  MatrixView<const double> values;        // columns in the order of the selection
  SparseView sparse;                      // of a sparse file: those from first_sparse on
  std::span<const std::uint64_t> starts;  // where each row starts, see TableFile::place

  std::size_t rows() const { return starts.size(); }
};

// A file of rows with named columns. Any part of its extent can be read on its own: a row belongs
// to the part in which it starts, so parts that tile the extent give every row exactly once,
// whatever the parts. Memory is bounded by the block of rows (and the longest line of text), not by
// the file.
class TableFile {
 public:
  virtual ~TableFile() = default;

  const std::filesystem::path& path() const { return path_; }
  const std::vector<std::string>& columns() const { return columns_; }
  // Index of a column; Error(kUsage) naming the nearest column when there is none of that name.
  virtual std::size_t column(const std::string& name) const;
  bool has_column(const std::string& name) const { return index_.contains(name); }

  // Does it hold sparse rows? Its columns may then be unknown until all rows have been seen:
  // widest() is the number of columns that the rows of a part speak of, and set_width() takes the
  // largest of them.
  virtual bool sparse() const { return false; }
  virtual std::size_t widest(Range) const { return columns().size(); }
  virtual void set_width(std::size_t) {}

  // Gives the features of a file that holds no names these, in its order; those of a file that has
  // columns of all these names stay as they are. Error(kUsage) when there are more or fewer.
  virtual void name_columns(const std::vector<std::string>&) {}

  // What is cut into parts: bytes of text after the header, or rows of an array.
  virtual Range extent() const = 0;

  using Visitor = std::function<void(const TableRows&)>;
  // Reads the rows that start in a part, in blocks of at most `block_rows` rows. A field that
  // cannot be read is Error(kFile) naming path, place, column and text; columns that are not
  // selected may hold anything. Returns the XXH3 of the bytes of the rows read.
  virtual std::uint64_t read(Range part, const Selection& selection, std::size_t block_rows,
                             const Visitor& visit) const = 0;

  // The row that starts there, for messages: "claims.csv:12", "x.npy: row 12", counted from 1.
  virtual std::string place(std::uint64_t start) const = 0;

 protected:
  explicit TableFile(std::filesystem::path path) : path_(std::move(path)) {}
  // Error(kFile), beginning with `where`, for a name that is empty, not UTF-8, or there twice.
  void set_columns(std::vector<std::string> names, const std::string& where);

 private:
  std::filesystem::path path_;
  std::vector<std::string> columns_;
  std::unordered_map<std::string, std::size_t> index_;
};

// Where each of the first `columns` columns of a file goes in a row as it is read. Error(kUsage)
// for one of them that is selected twice.
inline constexpr std::size_t kNotSelected = std::numeric_limits<std::size_t>::max();
std::vector<std::size_t> places_of(const TableFile& file, const Selection& selection,
                                   std::size_t columns);
[[noreturn]] void refuse_selected_twice(const TableFile& file, std::size_t column);

// Names by lines of a text file, for files that hold none. Error(kFile) for a blank line.
std::vector<std::string> read_names(const std::filesystem::path& path);

}  // namespace bayesum
