#include "tests/fuzz/table.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "core/files/hash.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {
namespace {

constexpr std::size_t kMostColumns = 64;

struct Rows {
  std::vector<double> values;
  std::vector<std::uint64_t> starts;

  bool operator==(const Rows& other) const {
    return starts == other.starts && values.size() == other.values.size() &&
           (values.empty() ||
            std::memcmp(values.data(), other.values.data(), values.size() * sizeof(double)) == 0);
  }
};

// Each row's dense values, then columns and values of its sparse elements.
void read_part(const TableFile& table, Range part, const Selection& selection, Rows& rows) {
  table.read(part, selection, 3, [&](const TableRows& block) {
    for (std::size_t i = 0; i < block.rows(); ++i) {
      const double* const row = block.values.data + i * block.values.stride;
      rows.values.insert(rows.values.end(), row, row + block.values.cols);
      if (block.sparse.empty()) continue;
      for (std::size_t k = block.sparse.row_start[i]; k < block.sparse.row_start[i + 1]; ++k) {
        rows.values.push_back(block.sparse.column[k]);
        rows.values.push_back(block.sparse.value[k]);
      }
    }
    rows.starts.insert(rows.starts.end(), block.starts.begin(), block.starts.end());
  });
}

void read_whole_and_in_parts(const TableFile& table, const Selection& selection) {
  const Range all = table.extent();
  Rows whole, parts;
  read_part(table, all, selection, whole);
  for (std::size_t part = 0; part < 3; ++part) {
    const Range cut = even_part(all.size(), 3, part);
    read_part(table, {all.first + cut.first, all.first + cut.last}, selection, parts);
  }
  require(whole == parts, "other rows when read in parts");
  for (const std::uint64_t start : whole.starts) {
    require(!table.place(start).empty(), "a row without a place");
  }
}

}  // namespace

void read_table(const TableFile& table) {
  const std::size_t columns = std::min(table.columns().size(), kMostColumns);
  Selection numbers, texts;
  numbers.missing = true;
  for (std::size_t column = 0; column < columns; ++column) {
    numbers.columns.push_back({column});
    texts.columns.push_back({column, [](std::string_view text) {
                               return static_cast<double>(hash_of(std::as_bytes(std::span(text))));
                             }});
  }
  if (table.sparse()) numbers.first_sparse = 1;
  read_whole_and_in_parts(table, numbers);
  read_whole_and_in_parts(table, texts);
}

}  // namespace bayesum::fuzz
