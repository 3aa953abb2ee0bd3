#include "core/examples/row_choice.hpp"

#include <numeric>
#include <string>
#include <string_view>

#include "core/files/field_text.hpp"
#include "core/files/lines.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

using RowNumbers = std::vector<std::size_t>;

RowNumbers read_row_numbers(const std::string& path, std::size_t count) {
  const ByteFile file(path);
  const Range all{0, file.size()};
  Lines lines(file, all, all);
  std::vector<bool> named(count);
  for (std::string_view line; lines.next(line);) {
    const std::string_view text = trimmed(line);
    if (text.empty()) continue;
    const auto refuse = [&](const std::string& why) {
      throw Error(ExitCode::kFile, path + ":" + std::to_string(line_of(file, lines.start())) +
                                       ": " + shown(text) + why);
    };
    double number = 0;
    if (!is_number(text, number) || number < 0 || number != std::floor(number)) {
      refuse(" is not the number of a row, which count from 0");
    }
    if (number >= static_cast<double>(count)) {
      refuse(" is beyond the last row, " + std::to_string(count) + " being there");
    }
    const auto row = static_cast<std::size_t>(number);
    if (named[row]) refuse(" is named twice");
    named[row] = true;
  }
  RowNumbers rows;
  for (std::size_t row = 0; row < count; ++row) {
    if (named[row]) rows.push_back(row);
  }
  return rows;
}

}  // namespace

std::vector<std::size_t> chosen_rows(const RowSource& source, std::size_t count) {
  RowNumbers rows(count);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  if (!source.rows.empty()) rows = read_row_numbers(source.rows, count);
  const auto cut = [&](double share) {
    return rows.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(rows.size()));
  };
  RowNumbers chosen(cut(source.first), cut(source.last));
  if (chosen.empty()) throw Error(ExitCode::kFile, source.path + ": no rows are left to read");
  return chosen;
}

}  // namespace bayesum
