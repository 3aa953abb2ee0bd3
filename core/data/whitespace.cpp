#include "core/data/whitespace.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/data/row_blocks.hpp"
#include "core/files/field_text.hpp"
#include "core/files/lines.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

std::string_view without_comment(std::string_view line) {
  return trimmed(line.substr(0, line.find('#')));
}

// The fields of a line, which is trimmed.
void split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  while (!line.empty()) {
    const std::size_t size = std::min(line.find_first_of(" \t"), line.size());
    fields.push_back(line.substr(0, size));
    line = trimmed(line.substr(size));
  }
}

// Turns the fields of a line into a row of the selected columns.
class RowParser {
 public:
  RowParser(const WhitespaceFile& file, const Selection& selection)
      : file_(file),
        selection_(selection),
        place_(places_of(file, selection, file.columns().size())) {}

  void parse(const std::vector<std::string_view>& fields, std::uint64_t start, double* row) const {
    if (fields.size() != place_.size()) {
      throw Error(ExitCode::kFile, file_.place(start) + ": " + std::to_string(fields.size()) +
                                       " fields where the first line has " +
                                       std::to_string(place_.size()));
    }
    for (std::size_t column = 0; column < fields.size(); ++column) {
      if (place_[column] == kNotSelected) continue;
      const FieldCode& code = selection_.columns[place_[column]].code;
      double& value = row[place_[column]];
      if (selection_.missing && is_missing(fields[column])) {
        value = std::numeric_limits<double>::quiet_NaN();
      } else if (!code) {
        if (!is_number(fields[column], value)) refuse(start, column, why_no_number(fields[column]));
      } else if (is_missing(fields[column])) {
        refuse(start, column, shown(fields[column]) + " is missing");
      } else {
        value = coded(code, fields[column], start, column);
      }
    }
  }

 private:
  double coded(const FieldCode& code, std::string_view text, std::uint64_t start,
               std::size_t column) const {
    try {
      return code(text);
    } catch (const Error& error) {
      refuse(start, column, shown(text) + " " + error.what());
    }
  }

  [[noreturn]] void refuse(std::uint64_t start, std::size_t column, const std::string& why) const {
    throw Error(ExitCode::kFile,
                file_.place(start) + ": column '" + file_.columns()[column] + "': " + why);
  }

  const WhitespaceFile& file_;
  const Selection& selection_;
  std::vector<std::size_t> place_;  // of each column of the file in the row
};

}  // namespace

WhitespaceFile::WhitespaceFile(std::filesystem::path path, const std::filesystem::path& names)
    : TableFile(path), file_(std::move(path)) {
  Lines lines(file_, extent(), extent());
  std::vector<std::string_view> fields;
  for (std::string_view line; fields.empty() && lines.next(line);) {
    split(without_comment(line), fields);
  }
  const std::string where = file_.path().string();
  if (fields.empty()) throw Error(ExitCode::kFile, where + " is empty: it has no rows");
  std::vector<std::string> columns;
  if (names.empty()) {
    for (std::size_t i = 1; i <= fields.size(); ++i) columns.push_back("x" + std::to_string(i));
  } else {
    columns = read_names(names);
  }
  if (columns.size() != fields.size()) {
    throw Error(ExitCode::kFile, names.string() + ": " + std::to_string(columns.size()) +
                                     " names for the " + std::to_string(fields.size()) +
                                     " columns of " + where);
  }
  set_columns(std::move(columns), (names.empty() ? where : names.string()) + ": ");
}

std::uint64_t WhitespaceFile::read(Range bytes, const Selection& selection, std::size_t block_rows,
                                   const Visitor& visit) const {
  const RowParser parser(*this, selection);
  Lines lines(file_, extent(), bytes);
  RowBlocks blocks(selection.columns.size(), block_rows, visit);
  std::vector<std::string_view> fields;
  for (std::string_view line; lines.next(line);) {
    split(without_comment(line), fields);
    if (fields.empty()) continue;
    parser.parse(fields, lines.start(), blocks.add(lines.start()));
  }
  blocks.flush();
  return lines.hash();
}

std::string WhitespaceFile::place(std::uint64_t start) const {
  return path().string() + ":" + std::to_string(line_of(file_, start));
}

}  // namespace bayesum
