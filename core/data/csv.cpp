#include "core/data/csv.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "core/data/csv_fields.hpp"
#include "core/data/row_blocks.hpp"
#include "core/files/field_text.hpp"
#include "core/files/lines.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

// Turns a line into a row of the selected columns.
class RowParser {
 public:
  RowParser(const CsvFile& file, const Selection& selection)
      : file_(file),
        selection_(selection),
        place_(places_of(file, selection, file.columns().size())) {
    for (const std::size_t place : place_) {
      number_.push_back(place != kNotSelected && !selection.columns[place].code ? place
                                                                                : kNotSelected);
    }
  }

  void parse(std::string_view line, std::uint64_t start, double* row) {
    const char* at = line.data();
    const char* const end = at + line.size();
    for (std::size_t column = 0; column < place_.size(); ++column) {
      while (at != end && is_space(*at)) ++at;
      const char* after = nullptr;
      if (number_[column] != kNotSelected) {
        after = parse_number(at, end, row[number_[column]]);
        while (after != nullptr && after != end && is_space(*after)) ++after;
      } else if (place_[column] == kNotSelected) {
        after = skipped(at, end);
      }
      if (after == nullptr || (after != end && *after != ',')) {
        after = any_field(at, line, start, column, row);
      }
      const bool last_column = column + 1 == place_.size();
      if ((after == end) != last_column) refuse(line, start, column, "the line cannot be read");
      at = last_column ? after : after + 1;
    }
  }

 private:
  // Where a field ends that is not quoted; null for one that is.
  static const char* skipped(const char* at, const char* end) {
    if (at == end) return end;
    if (*at == '"') return nullptr;
    const void* const comma = std::memchr(at, ',', end - at);
    return comma == nullptr ? end : static_cast<const char*>(comma);
  }

  const char* any_field(const char* at, std::string_view line, std::uint64_t start,
                        std::size_t column, double* row) {
    const CsvField field = csv_field(at, line.data() + line.size(), unquoted_);
    if (field.fault != nullptr) {
      refuse_field(start, column, shown(field.text) + " " + field.fault);
    }
    const std::size_t place = place_[column];
    if (place == kNotSelected) return field.end;
    const FieldCode& code = selection_.columns[place].code;
    if (selection_.missing && is_missing(field.text)) {
      row[place] = std::numeric_limits<double>::quiet_NaN();
    } else if (!code) {
      if (!is_number(field.text, row[place])) {
        refuse(line, start, column, why_no_number(field.text) + hint(field.text));
      }
    } else if (is_missing(field.text)) {
      refuse(line, start, column,
             field.text.empty() ? "the field is empty" : shown(field.text) + " is missing");
    } else {
      try {
        row[place] = code(field.text);
      } catch (const Error& error) {
        refuse(line, start, column, shown(field.text) + " " + error.what());
      }
    }
    return field.end;
  }

  static const char* hint(std::string_view text) {
    double value = 0;
    const bool looks_like_text =
        !is_missing(text) && parse_number(text.data(), text.data() + text.size(), value) == nullptr;
    return looks_like_text && why_no_number(text).ends_with("is not a number")
               ? "; a column of texts is named in data.categories"
               : "";
  }

  // A line of more or fewer fields than the header has is that before anything else.
  [[noreturn]] void refuse(std::string_view line, std::uint64_t start, std::size_t column,
                           const std::string& why) const {
    const std::size_t fields = csv_fields(line).size();
    if (fields != place_.size()) {
      throw Error(ExitCode::kFile, file_.place(start) + ": " + std::to_string(fields) +
                                       " fields where the header has " +
                                       std::to_string(place_.size()));
    }
    refuse_field(start, column, why);
  }

  [[noreturn]] void refuse_field(std::uint64_t start, std::size_t column,
                                 const std::string& why) const {
    throw Error(ExitCode::kFile,
                file_.place(start) + ": column '" + file_.columns()[column] + "': " + why);
  }

  const CsvFile& file_;
  const Selection& selection_;
  std::vector<std::size_t> place_;   // of each column of the file in the row
  std::vector<std::size_t> number_;  // the same of those that are numbers alone
  std::string unquoted_;
};

std::vector<std::string> names_in(std::string_view header, const std::string& where) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (header.starts_with(kByteOrderMark)) header.remove_prefix(kByteOrderMark.size());
  const char* fault = nullptr;
  std::vector<std::string> names = csv_fields(header, &fault);
  if (fault != nullptr) throw Error(ExitCode::kFile, where + "a column name " + fault);
  if (std::ranges::all_of(names, [](const std::string& name) { return is_number(name); })) {
    throw Error(ExitCode::kFile, where + "the first line holds numbers, not column names");
  }
  return names;
}

}  // namespace

CsvFile::CsvFile(std::filesystem::path path) : TableFile(path), file_(std::move(path)) {
  const Range whole{0, file_.size()};
  Lines lines(file_, whole, {0, std::min<std::size_t>(1, whole.last)});
  std::string_view header;
  if (!lines.next(header)) {
    throw Error(ExitCode::kFile, file_.path().string() + " is empty: it has no header");
  }
  const std::string where = file_.path().string() + ":1: ";
  set_columns(names_in(header, where), where);
  body_ = {lines.end(), whole.last};
}

std::uint64_t CsvFile::read(Range bytes, const Selection& selection, std::size_t block_rows,
                            const Visitor& visit) const {
  RowParser parser(*this, selection);
  Lines lines(file_, body_, bytes);
  RowBlocks blocks(selection.columns.size(), block_rows, visit);
  std::string_view line;
  while (lines.next(line)) {
    if (trimmed(line).empty()) continue;
    parser.parse(line, lines.start(), blocks.add(lines.start()));
  }
  blocks.flush();
  return lines.hash();
}

std::string CsvFile::place(std::uint64_t start) const {
  return path().string() + ":" + std::to_string(line_of(file_, start));
}

}  // namespace bayesum
