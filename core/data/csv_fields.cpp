#include "core/data/csv_fields.hpp"

#include <cstring>

#include "core/files/field_text.hpp"

namespace bayesum {
namespace {

const char* comma_after(const char* at, const char* last) {
  const void* const comma = at == last ? nullptr : std::memchr(at, ',', last - at);
  return comma == nullptr ? last : static_cast<const char*>(comma);
}

// `at` is behind the opening quote.
CsvField quoted_field(const char* at, const char* last, std::string& unquoted) {
  unquoted.clear();
  while (true) {
    const void* const quote = at == last ? nullptr : std::memchr(at, '"', last - at);
    if (quote == nullptr) {
      unquoted.append(at, last);
      return {unquoted, last,
              "starts a quoted field that does not end on its line; a newline inside quotes is "
              "not supported"};
    }
    const char* const found = static_cast<const char*>(quote);
    unquoted.append(at, found);
    at = found + 1;
    if (at == last || *at != '"') break;
    unquoted += '"';
    ++at;
  }
  const char* const end = comma_after(at, last);
  const bool clean = trimmed({at, static_cast<std::size_t>(end - at)}).empty();
  return {unquoted, end, clean ? nullptr : "is followed by more than a comma after its quotes"};
}

}  // namespace

CsvField csv_field(const char* first, const char* last, std::string& unquoted) {
  while (first != last && is_space(*first)) ++first;
  if (first != last && *first == '"') return quoted_field(first + 1, last, unquoted);
  const char* const end = comma_after(first, last);
  return {trimmed({first, static_cast<std::size_t>(end - first)}), end, nullptr};
}

std::vector<std::string> csv_fields(std::string_view line, const char** fault) {
  std::vector<std::string> fields;
  std::string unquoted;
  const char* at = line.data();
  const char* const last = at + line.size();
  while (true) {
    const CsvField field = csv_field(at, last, unquoted);
    if (fault != nullptr && field.fault != nullptr) *fault = field.fault;
    fields.emplace_back(field.text);
    if (field.end == last) return fields;
    at = field.end + 1;
  }
}

}  // namespace bayesum
