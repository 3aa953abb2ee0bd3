#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/data/table_file.hpp"

namespace bayesum {

// Dense rows of a file of lines on their way to a visitor, in blocks of at most `block_rows`.
class RowBlocks {
 public:
  // `visit` outlives it.
  RowBlocks(std::size_t columns, std::size_t block_rows, const TableFile::Visitor& visit)
      : columns_(columns), block_rows_(block_rows), visit_(visit) {}

  // Where the row that starts at `start` is to be written, before the next call.
  double* add(std::uint64_t start) {
    if (starts_.size() == block_rows_) flush();
    starts_.push_back(start);
    values_.resize(starts_.size() * columns_);
    return values_.data() + values_.size() - columns_;
  }

  // Hands over the last rows.
  void flush() {
    if (starts_.empty()) return;
    visit_({.values = {values_.data(), starts_.size(), columns_}, .sparse = {}, .starts = starts_});
    values_.clear();
    starts_.clear();
  }

 private:
  std::size_t columns_;
  std::size_t block_rows_;
  const TableFile::Visitor& visit_;
  std::vector<double> values_;
  std::vector<std::uint64_t> starts_;
};

}  // namespace bayesum
