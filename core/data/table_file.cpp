#include "core/data/table_file.hpp"

#include <algorithm>

#include "core/files/field_text.hpp"
#include "core/files/lines.hpp"
#include "core/files/utf8.hpp"
#include "core/nearest.hpp"
#include "kernels/error.hpp"

namespace bayesum {

std::size_t TableFile::column(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    throw Error(ExitCode::kUsage, path_.string() + " has no column '" + name +
                                      "'; the nearest is '" + nearest(name, columns_) + "'");
  }
  return found->second;
}

void TableFile::set_columns(std::vector<std::string> names, const std::string& where) {
  index_.clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) {
      throw Error(ExitCode::kFile, where + "column " + std::to_string(i + 1) + " has no name");
    }
    if (std::ranges::any_of(names[i], [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
      throw Error(ExitCode::kFile, where + "the name of column " + std::to_string(i + 1) +
                                       " holds a control character");
    }
    if (!is_utf8(names[i])) {
      throw Error(ExitCode::kFile,
                  where + "the name of column " + std::to_string(i + 1) + " is not UTF-8");
    }
    if (!index_.emplace(names[i], i).second) {
      throw Error(ExitCode::kFile, where + "column '" + names[i] + "' occurs twice");
    }
  }
  columns_ = std::move(names);
}

std::vector<std::size_t> places_of(const TableFile& file, const Selection& selection,
                                   std::size_t columns) {
  std::vector<std::size_t> places(columns, kNotSelected);
  for (std::size_t i = 0; i < selection.columns.size(); ++i) {
    const std::size_t column = selection.columns[i].column;
    if (column >= columns) continue;
    if (places[column] != kNotSelected) refuse_selected_twice(file, column);
    places[column] = i;
  }
  return places;
}

void refuse_selected_twice(const TableFile& file, std::size_t column) {
  const bool named = column < file.columns().size();
  throw Error(ExitCode::kUsage, file.path().string() + ": column '" +
                                    (named ? file.columns()[column] : std::to_string(column)) +
                                    "' is selected twice");
}

std::vector<std::string> read_names(const std::filesystem::path& path) {
  const ByteFile file(path);
  const Range text{text_start(file), file.size()};
  Lines lines(file, text, text);
  std::vector<std::string> names;
  for (std::string_view line; lines.next(line);) names.emplace_back(trimmed(line));
  return names;
}

}  // namespace bayesum
