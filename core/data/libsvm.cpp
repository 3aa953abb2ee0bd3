#include "core/data/libsvm.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>

#include "core/files/field_text.hpp"
#include "core/files/lines.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kMostIndex = std::numeric_limits<std::int32_t>::max();

std::string_view without_comment(std::string_view line) {
  return trimmed(line.substr(0, line.find('#')));
}

// The index that a name of digits stands for, or 0.
std::size_t index_named(const std::string& name) {
  std::size_t index = 0;
  const char* const last = name.data() + name.size();
  const auto [end, problem] = std::from_chars(name.data(), last, index);
  const bool whole = problem == std::errc() && end == last && name.front() != '0';
  return whole && index <= kMostIndex ? index : 0;
}

std::string_view next_word(std::string_view& line) {
  std::size_t size = 0;
  while (size < line.size() && !is_space(line[size])) ++size;
  const std::string_view word = line.substr(0, size);
  while (size < line.size() && is_space(line[size])) ++size;
  line.remove_prefix(size);
  return word;
}

// The rows of a block as they come together.
struct Block {
  std::vector<double> values;
  std::vector<std::uint64_t> starts;
  std::vector<std::size_t> row_start = {0};
  std::vector<std::uint32_t> column;
  std::vector<double> value;

  void clear() {
    values.clear();
    starts.clear();
    row_start.assign(1, 0);
    column.clear();
    value.clear();
  }
};

// Turns lines into rows of the selected columns.
class RowParser {
 public:
  RowParser(const LibsvmFile& file, const Selection& selection, std::size_t most_index)
      : file_(file),
        selection_(selection),
        most_index_(most_index),
        dense_(std::min(selection.first_sparse, selection.columns.size())) {
    std::size_t columns = 1;
    for (std::size_t i = 0; i < selection.columns.size(); ++i) {
      const std::size_t column = selection.columns[i].column;
      if (column <= LibsvmFile::kMostFeatures) {
        columns = std::max(columns, column + 1);
      } else if (!far_place_.emplace(column, i).second) {
        refuse_selected_twice(file, column);
      }
    }
    place_ = places_of(file, selection, columns);
    if (place_[0] != kNotSelected && place_[0] >= dense_) {
      throw Error(ExitCode::kUsage, "the label of a libsvm row is no feature");
    }
    in_order_ = std::ranges::is_sorted(std::span(selection.columns).subspan(dense_), {},
                                       &Selection::Column::column);
  }

  void parse(std::string_view line, std::uint64_t start, Block& block) {
    block.values.resize(block.values.size() + dense_, 0.0);
    block.starts.push_back(start);
    double* const row = block.values.data() + block.values.size() - dense_;
    seen_.assign(dense_, false);
    std::string_view rest = line;
    if (const std::string_view label = next_word(rest); label.find(':') == label.npos) {
      line = rest;
      if (place_[0] != kNotSelected) set(0, label, start, row);
    } else if (place_[0] != kNotSelected) {
      if (!selection_.missing) refuse(start, "the row has no label");
      row[place_[0]] = std::numeric_limits<double>::quiet_NaN();
      seen_[place_[0]] = true;
    }
    std::size_t before = 0;
    while (!line.empty()) {
      const std::string_view word = next_word(line);
      const std::size_t index = index_of(word, before, start);
      before = index;
      element(index, word.substr(word.find(':') + 1), start, row, block);
    }
    for (std::size_t place = 0; place < dense_; ++place) {
      const FieldCode& code = selection_.columns[place].code;
      if (!seen_[place] && code) row[place] = coded(code, "0", start);
    }
    end_row(block);
  }

 private:
  std::size_t place_of(std::size_t column) const {
    if (column < place_.size()) return place_[column];
    const auto found = far_place_.find(column);
    return found == far_place_.end() ? kNotSelected : found->second;
  }

  std::size_t index_of(std::string_view word, std::size_t before, std::uint64_t start) const {
    std::size_t index = 0;
    const char* const first = word.data();
    const char* const last = first + word.size();
    const auto [end, problem] = std::from_chars(first, last, index);
    const bool whole = problem == std::errc() && end != last && *end == ':';
    if (!whole && problem != std::errc::result_out_of_range) {
      refuse(start, shown(word) + " is not index:value");
    }
    if (!whole || index < 1 || index > kMostIndex) {
      refuse(start, shown(word) + " has an index outside 1 to " + std::to_string(kMostIndex));
    }
    if (index <= before) {
      refuse(start, "index " + std::to_string(index) + " comes after " + std::to_string(before) +
                        ": indices ascend");
    }
    if (index > most_index_) {
      refuse(start, "index " + std::to_string(index) + " has no name: there are names for " +
                        std::to_string(most_index_));
    }
    return index;
  }

  void element(std::size_t index, std::string_view text, std::uint64_t start, double* row,
               Block& block) {
    const std::size_t place = place_of(index);
    if (place == kNotSelected) {
      double ignored = 0;
      if (!is_number(text, ignored) && !is_missing(text)) number(index, text, start);
    } else if (place < dense_) {
      set(index, text, start, row);
    } else {
      block.column.push_back(static_cast<std::uint32_t>(place - dense_));
      block.value.push_back(number(index, text, start));
    }
  }

  void set(std::size_t column, std::string_view text, std::uint64_t start, double* row) {
    const std::size_t place = place_of(column);
    const FieldCode& code = selection_.columns[place].code;
    seen_[place] = true;
    row[place] = code && !is_missing(text) ? coded(code, text, start) : number(column, text, start);
  }

  double number(std::size_t column, std::string_view text, std::uint64_t start) const {
    double value = 0;
    if (is_number(text, value)) return value;
    if (selection_.missing && is_missing(text)) return std::numeric_limits<double>::quiet_NaN();
    refuse(start, (column == 0 ? std::string("the label") : "index " + std::to_string(column)) +
                      ": " + why_no_number(text));
  }

  double coded(const FieldCode& code, std::string_view text, std::uint64_t start) const {
    try {
      return code(text);
    } catch (const Error& error) {
      refuse(start, shown(text) + " " + error.what());
    }
  }

  // The elements of the row in the order of the selection.
  void end_row(Block& block) {
    const std::size_t first = block.row_start.back();
    if (!in_order_) {
      sorted_.clear();
      for (std::size_t k = first; k < block.column.size(); ++k) {
        sorted_.emplace_back(block.column[k], block.value[k]);
      }
      std::ranges::sort(sorted_, {}, &std::pair<std::uint32_t, double>::first);
      for (std::size_t k = 0; k < sorted_.size(); ++k) {
        std::tie(block.column[first + k], block.value[first + k]) = sorted_[k];
      }
    }
    block.row_start.push_back(block.column.size());
  }

  [[noreturn]] void refuse(std::uint64_t start, const std::string& why) const {
    throw Error(ExitCode::kFile, file_.place(start) + ": " + why);
  }

  const LibsvmFile& file_;
  const Selection& selection_;
  std::size_t most_index_;
  std::size_t dense_;                                       // places before the sparse ones
  std::vector<std::size_t> place_;                          // of each column of the file in the row
  std::unordered_map<std::size_t, std::size_t> far_place_;  // of those beyond kMostFeatures
  bool in_order_ = true;  // do sparse places ascend with the indices?
  std::vector<bool> seen_;
  std::vector<std::pair<std::uint32_t, double>> sorted_;
};

}  // namespace

LibsvmFile::LibsvmFile(std::filesystem::path path, const std::filesystem::path& names)
    : TableFile(path), file_(std::move(path)), start_(text_start(file_)), named_(!names.empty()) {
  std::vector<std::string> columns = {kLabel};
  if (named_) {
    for (std::string& name : read_names(names)) columns.push_back(std::move(name));
  }
  set_columns(std::move(columns), named_ ? names.string() + ": " : "");
}

std::size_t LibsvmFile::column(const std::string& name) const {
  const std::size_t index = index_named(name);
  return index > 0 && !named_ ? index : TableFile::column(name);
}

void LibsvmFile::name_columns(const std::vector<std::string>& names) {
  if (named_ || std::ranges::all_of(names, [](auto& name) { return index_named(name) > 0; }))
    return;
  std::vector<std::string> columns = {kLabel};
  columns.insert(columns.end(), names.begin(), names.end());
  set_columns(std::move(columns), "");
  named_ = true;
}

// Indices ascend, so that the last of a line is its highest; read() sees to the rest.
std::size_t LibsvmFile::widest(Range part) const {
  if (named_) return columns().size();
  std::size_t highest = 0;
  Lines lines(file_, extent(), part);
  for (std::string_view line; lines.next(line);) {
    line = without_comment(line);
    const std::size_t space = line.find_last_of(" \t");
    if (space != line.npos) line.remove_prefix(space + 1);
    std::size_t index = 0;
    const auto [end, problem] = std::from_chars(line.data(), line.data() + line.size(), index);
    const bool found = problem == std::errc() && end != line.data() + line.size() && *end == ':';
    if (found && index <= kMostIndex) highest = std::max(highest, index);
  }
  return highest + 1;
}

void LibsvmFile::set_width(std::size_t width) {
  if (named_) return;
  if (width > kMostFeatures + 1) {
    throw Error(ExitCode::kFile, path().string() + " has indices up to " +
                                     std::to_string(width - 1) + ", more than the " +
                                     std::to_string(kMostFeatures) +
                                     " features there may be: name some in data.features");
  }
  std::vector<std::string> columns = {kLabel};
  for (std::size_t index = 1; index < width; ++index) columns.push_back(std::to_string(index));
  set_columns(std::move(columns), "");
}

std::uint64_t LibsvmFile::read(Range bytes, const Selection& selection, std::size_t block_rows,
                               const Visitor& visit) const {
  RowParser parser(*this, selection, named_ ? columns().size() - 1 : kMostIndex);
  Lines lines(file_, extent(), bytes);
  const std::size_t dense = std::min(selection.first_sparse, selection.columns.size());
  Block block;
  const auto flush = [&] {
    visit({.values = {block.values.data(), block.starts.size(), dense},
           .sparse = {block.row_start, block.column, block.value, selection.columns.size() - dense},
           .starts = block.starts});
    block.clear();
  };
  for (std::string_view line; lines.next(line);) {
    line = without_comment(line);
    if (line.empty()) continue;
    parser.parse(line, lines.start(), block);
    if (block.starts.size() == block_rows) flush();
  }
  if (!block.starts.empty()) flush();
  return lines.hash();
}

std::string LibsvmFile::place(std::uint64_t start) const {
  return path().string() + ":" + std::to_string(line_of(file_, start));
}

}  // namespace bayesum
