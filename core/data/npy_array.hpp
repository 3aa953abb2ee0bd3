#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/files/byte_file.hpp"
#include "core/files/hash.hpp"

namespace bayesum {

// The kinds of number that arrays hold here, all little-endian.
enum class NpyType { kF4, kF8, kI1, kI2, kI4, kI8, kU1, kU2, kU4, kU8, kBool };

// An array in NumPy's .npy format, versions 1 to 3 (NEP 1): rows of numbers in C order. An array of
// one dimension has one column, one of two has its second dimension's; a structured one of one
// dimension has a column for each field, with its name.
class NpyArray {
 public:
  struct Column {
    std::string name;  // of a structured array, else empty
    NpyType type = NpyType::kF8;
    std::size_t offset = 0;  // in the bytes of a row
  };

  // Reads the header. Error(kFile) for what is no such array (Fortran order, big-endian, other
  // types and shapes are named), or whose numbers do not fill the file exactly.
  explicit NpyArray(std::filesystem::path path);

  const std::filesystem::path& path() const { return file_.path(); }
  std::size_t rows() const { return rows_; }
  const std::vector<Column>& columns() const { return columns_; }
  std::size_t row_bytes() const { return row_bytes_; }
  const ByteFile& file() const { return file_; }

  // Reads `count` rows from `first` on into `bytes`, and hashes them.
  void read(ByteReader& reader, std::size_t first, std::size_t count, std::vector<std::byte>& bytes,
            Hash& hash) const;

 private:
  ByteFile file_;
  std::size_t body_ = 0;
  std::size_t rows_ = 0;
  std::size_t row_bytes_ = 0;
  std::vector<Column> columns_;
};

// Writes columns of rows that were read, as doubles, next to each other: out[i * stride + k] is row
// i of columns[k].
void convert(std::span<const std::byte> rows, std::size_t row_bytes,
             std::span<const NpyArray::Column> columns, double* out, std::size_t stride);

}  // namespace bayesum
