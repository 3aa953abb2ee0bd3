#include "core/csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "core/hash.hpp"
#include "core/input_file.hpp"
#include "core/nearest.hpp"
#include "core/utf8.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kChunk = std::size_t{4} << 20;
constexpr std::size_t kLongestLine = std::size_t{64} << 20;
constexpr std::size_t kNotSelected = std::numeric_limits<std::size_t>::max();

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  std::size_t comma;
  while ((comma = line.find(',')) != std::string_view::npos) {
    fields.push_back(trimmed(line.substr(0, comma)));
    line.remove_prefix(comma + 1);
  }
  fields.push_back(trimmed(line));
  return fields;
}

// Parses a number at the start of [first, last); returns where it ends, or null where there is
// none.
const char* parse_number(const char* first, const char* last, double& value) {
  if (last - first > 1 && *first == '+' && first[1] != '-') {
    ++first;
  }
  const auto [end, error] = std::from_chars(first, last, value);
  return error == std::errc() && std::isfinite(value) ? end : nullptr;
}

bool is_number(std::string_view text) {
  double value;
  return parse_number(text.data(), text.data() + text.size(), value) == text.data() + text.size();
}

// A field as a message shows it.
std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string part(text.substr(0, kShown));
  std::replace_if(
      part.begin(), part.end(), [](unsigned char c) { return c < 32 || c == 127; }, '?');
  return "'" + part + (text.size() > kShown ? "...'" : "'");
}

// The lines that start in a range of the file's bytes, one after the other, and the hash of them
// all. Holds a chunk of the file, or one line where that is longer.
class Lines {
 public:
  Lines(const InputFile& file, Range body, Range bytes)
      : file_(file),
        file_end_(body.last),
        last_(bytes.last),
        origin_(bytes.first),
        buffer_(std::min(kChunk, bytes.size() + (std::size_t{64} << 10))) {
    if (bytes.first > body.first && bytes.size() > 0) {
      origin_ = bytes.first - 1;
      std::string_view of_the_range_before;
      next(of_the_range_before);
      hashed_ = cursor_;
    }
  }

  // The next line without its end; false when there is none. Valid until the next call.
  bool next(std::string_view& line) {
    std::size_t searched = 0;
    while (origin_ + cursor_ < last_) {
      const char* const begin = buffer_.data() + cursor_;
      const std::size_t available = loaded_ - cursor_;
      const void* const newline = std::memchr(begin + searched, '\n', available - searched);
      if (newline == nullptr && origin_ + loaded_ < file_end_) {
        searched = available;
        load_more();
        continue;
      }
      const std::size_t size =
          newline == nullptr ? available : static_cast<const char*>(newline) - begin;
      start_ = origin_ + cursor_;
      cursor_ += newline == nullptr ? size : size + 1;
      line = {begin, size > 0 && begin[size - 1] == '\r' ? size - 1 : size};
      return true;
    }
    return false;
  }

  // The bytes of the file where the last line starts, and where the one after it would.
  std::uint64_t start() const { return start_; }
  std::uint64_t end() const { return origin_ + cursor_; }

  std::uint64_t hash() {
    hash_lines_read();
    return hash_.value();
  }

 private:
  void hash_lines_read() {
    hash_.add(std::as_bytes(std::span(buffer_)).subspan(hashed_, cursor_ - hashed_));
    hashed_ = cursor_;
  }

  void load_more() {
    hash_lines_read();
    std::memmove(buffer_.data(), buffer_.data() + cursor_, loaded_ - cursor_);
    origin_ += cursor_;
    loaded_ -= cursor_;
    cursor_ = hashed_ = 0;
    if (loaded_ == buffer_.size()) {
      if (loaded_ >= kLongestLine) {
        throw Error(ExitCode::kFile, file_.path().string() + ": the line that starts at byte " +
                                         std::to_string(origin_) + " is longer than " +
                                         std::to_string(kLongestLine) + " bytes");
      }
      buffer_.resize(std::min(kLongestLine, 2 * buffer_.size()));
    }
    const std::size_t count = std::min(buffer_.size() - loaded_, file_end_ - origin_ - loaded_);
    file_.read(origin_ + loaded_,
               std::as_writable_bytes(std::span(buffer_)).subspan(loaded_, count));
    loaded_ += count;
  }

  const InputFile& file_;
  std::size_t file_end_;
  std::size_t last_;
  std::size_t origin_;  // the byte of the file at buffer_[0]
  std::vector<char> buffer_;
  std::size_t loaded_ = 0;
  std::size_t cursor_ = 0;  // where the next line starts in the buffer
  std::size_t hashed_ = 0;  // up to where the buffer is hashed
  std::uint64_t start_ = 0;
  Hash hash_;
};

// Turns a line into a row of the selected columns.
class RowParser {
 public:
  RowParser(const CsvFile& file, std::span<const std::size_t> selection)
      : file_(file), place_(file.columns().size(), kNotSelected) {
    for (std::size_t i = 0; i < selection.size(); ++i) {
      if (place_.at(selection[i]) != kNotSelected) {
        throw Error(ExitCode::kUsage, file.path().string() + ": column '" +
                                          file.columns()[selection[i]] + "' is selected twice");
      }
      place_[selection[i]] = i;
    }
  }

  void parse(std::string_view line, std::uint64_t start, double* row) const {
    const char* at = line.data();
    const char* const end = at + line.size();
    for (std::size_t column = 0; column < place_.size(); ++column) {
      while (at != end && is_space(*at)) {
        ++at;
      }
      const bool quote = at != end && *at == '"';
      const char* after = at;
      if (!quote && place_[column] != kNotSelected) {
        after = parse_number(at, end, row[place_[column]]);
      } else if (!quote) {
        const void* const comma = std::memchr(at, ',', end - at);
        after = comma == nullptr ? end : static_cast<const char*>(comma);
      }
      while (after != nullptr && after != end && is_space(*after)) {
        ++after;
      }
      const bool last_column = column + 1 == place_.size();
      if (quote || after == nullptr || (after == end) != last_column ||
          (after != end && *after != ',')) {
        refuse(line, start);
      }
      at = last_column ? after : after + 1;
    }
  }

 private:
  // Finds again, in peace, what is wrong with the line.
  [[noreturn]] void refuse(std::string_view line, std::uint64_t start) const {
    const std::vector<std::string_view> fields = fields_of(line);
    for (std::size_t i = 0; i < std::min(fields.size(), place_.size()); ++i) {
      if (fields[i].starts_with('"')) {
        refuse(start, i, shown(fields[i]) + " starts a quoted field, which is not supported");
      }
    }
    if (fields.size() != place_.size()) {
      throw Error(ExitCode::kFile, place(start) + std::to_string(fields.size()) +
                                       " fields where the header has " +
                                       std::to_string(place_.size()));
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (place_[i] != kNotSelected && !is_number(fields[i])) {
        refuse(start, i, fields[i].empty() ? "the field is empty" : why_not(fields[i]));
      }
    }
    throw Error(ExitCode::kFile, place(start) + "the line cannot be read");
  }

  [[noreturn]] void refuse(std::uint64_t start, std::size_t column, const std::string& why) const {
    throw Error(ExitCode::kFile, place(start) + "column '" + file_.columns()[column] + "': " + why);
  }

  std::string why_not(std::string_view field) const {
    double value = 0;
    const char* const end = field.data() + field.size();
    const auto parsed = std::from_chars(field.data(), end, value);
    if (parsed.ptr == end && parsed.ec == std::errc::result_out_of_range) {
      return shown(field) + " is outside the range of float64";
    }
    return shown(field) + (parsed.ptr == end && parsed.ec == std::errc() ? " is not a finite number"
                                                                         : " is not a number");
  }

  std::string place(std::uint64_t start) const {
    return file_.path().string() + ":" + std::to_string(file_.line_of(start)) + ": ";
  }

  const CsvFile& file_;
  std::vector<std::size_t> place_;  // of each column of the file in the row
};

void check_names(const std::filesystem::path& path, const std::vector<std::string>& names) {
  const std::string place = path.string() + ":1: ";
  if (std::all_of(names.begin(), names.end(), is_number)) {
    throw Error(ExitCode::kFile, place + "the first line holds numbers, not column names");
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) {
      throw Error(ExitCode::kFile, place + "column " + std::to_string(i + 1) + " has no name");
    }
    if (!is_utf8(names[i])) {
      throw Error(ExitCode::kFile,
                  place + "the name of column " + std::to_string(i + 1) + " is not UTF-8");
    }
    if (names[i].starts_with('"')) {
      throw Error(ExitCode::kFile, place + "column name " + shown(names[i]) +
                                       " starts a quoted field, which is not supported");
    }
  }
}

}  // namespace

CsvFile::CsvFile(std::filesystem::path path) : path_(std::move(path)) {
  const InputFile file(path_);
  const Range whole{0, file.size()};
  Lines lines(file, whole, {0, std::min<std::size_t>(1, whole.last)});
  std::string_view header;
  if (!lines.next(header)) {
    throw Error(ExitCode::kFile, path_.string() + " is empty: it has no header");
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (header.starts_with(kByteOrderMark)) {
    header.remove_prefix(kByteOrderMark.size());
  }
  const std::vector<std::string_view> names = fields_of(header);
  columns_.assign(names.begin(), names.end());
  check_names(path_, columns_);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!index_.emplace(columns_[i], i).second) {
      throw Error(ExitCode::kFile,
                  path_.string() + ":1: column '" + columns_[i] + "' occurs twice");
    }
  }
  body_ = {lines.end(), whole.last};
}

std::size_t CsvFile::column(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    throw Error(ExitCode::kUsage, path_.string() + " has no column '" + name +
                                      "'; the nearest is '" + nearest(name, columns_) + "'");
  }
  return found->second;
}

std::uint64_t CsvFile::read(Range bytes, std::span<const std::size_t> selection,
                            std::size_t block_rows, const Visitor& visit) const {
  const InputFile file(path_);
  if (file.size() != body_.last) {
    throw Error(ExitCode::kFile, path_.string() + " changed its size from " +
                                     std::to_string(body_.last) + " to " +
                                     std::to_string(file.size()) + " bytes since it was opened");
  }
  const RowParser parser(*this, selection);
  Lines lines(file, body_, bytes);
  std::vector<double> rows;
  std::vector<std::uint64_t> starts;
  const auto flush = [&] {
    visit(MatrixView<const double>(rows.data(), starts.size(), selection.size()), starts);
    rows.clear();
    starts.clear();
  };
  std::string_view line;
  while (lines.next(line)) {
    if (trimmed(line).empty()) {
      continue;
    }
    rows.resize(rows.size() + selection.size());
    parser.parse(line, lines.start(), rows.data() + rows.size() - selection.size());
    starts.push_back(lines.start());
    if (starts.size() == block_rows) {
      flush();
    }
  }
  if (!starts.empty()) {
    flush();
  }
  return lines.hash();
}

std::size_t CsvFile::line_of(std::uint64_t byte) const {
  const InputFile file(path_);
  std::vector<std::byte> chunk(std::min<std::uint64_t>(kChunk, byte));
  std::size_t line = 1;
  for (std::uint64_t at = 0; at < byte; at += chunk.size()) {
    chunk.resize(std::min<std::uint64_t>(chunk.size(), byte - at));
    file.read(at, chunk);
    line += std::count(chunk.begin(), chunk.end(), std::byte{'\n'});
  }
  return line;
}

}  // namespace bayesum
