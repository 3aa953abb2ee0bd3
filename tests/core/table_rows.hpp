#pragma once

#include <vector>

#include "core/data/table_file.hpp"

namespace bayesum::testing {

// All that a part of a table gives, sparse elements put where they belong.
struct ReadRows {
  std::vector<std::vector<double>> values;
  std::vector<std::uint64_t> starts;
  std::uint64_t hash = 0;
};

inline ReadRows read_rows(const TableFile& file, Range part, const Selection& selection,
                          std::size_t block_rows = 4096) {
  ReadRows result;
  result.hash = file.read(part, selection, block_rows, [&](const TableRows& rows) {
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      std::vector<double> row(selection.columns.size());
      const double* const dense = rows.values.data + i * rows.values.stride;
      std::copy(dense, dense + rows.values.cols, row.begin());
      if (!rows.sparse.empty()) {
        for (std::size_t k = rows.sparse.row_start[i]; k < rows.sparse.row_start[i + 1]; ++k) {
          row.at(rows.values.cols + rows.sparse.column[k]) = rows.sparse.value[k];
        }
      }
      result.values.push_back(row);
    }
    result.starts.insert(result.starts.end(), rows.starts.begin(), rows.starts.end());
  });
  return result;
}

inline Selection numbers(const std::vector<std::size_t>& columns) {
  Selection selection;
  for (const std::size_t column : columns) selection.columns.push_back({column});
  return selection;
}

// The same from parts that tile the extent.
inline ReadRows read_in_parts(const TableFile& file, std::size_t parts,
                              const Selection& selection) {
  ReadRows all;
  const Range extent = file.extent();
  for (std::size_t part = 0; part < parts; ++part) {
    const Range cut = even_part(extent.size(), parts, part);
    const ReadRows some =
        read_rows(file, {extent.first + cut.first, extent.first + cut.last}, selection);
    all.values.insert(all.values.end(), some.values.begin(), some.values.end());
    all.starts.insert(all.starts.end(), some.starts.begin(), some.starts.end());
  }
  return all;
}

}  // namespace bayesum::testing
