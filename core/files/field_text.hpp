#pragma once

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <system_error>

namespace bayesum {

// Numbers and other texts in the fields of a table.

inline bool is_space(char c) { return c == ' ' || c == '\t'; }
std::string_view trimmed(std::string_view text);

// Parses a finite number at the start of [first, last); returns where it ends, or null where there
// is none.
inline const char* parse_number(const char* first, const char* last, double& value) {
  if (last - first > 1 && *first == '+' && first[1] != '-') ++first;
  const auto [end, error] = std::from_chars(first, last, value);
  return error == std::errc() && std::isfinite(value) ? end : nullptr;
}
// Is the whole text a finite number?
bool is_number(std::string_view text);
bool is_number(std::string_view text, double& value);
// Does the text stand for a value that is missing: none at all, "?", or NA, NaN or null in any
// case?
bool is_missing(std::string_view text);

// A field as a message shows it: in quotes, 40 characters at most, none that controls a terminal.
std::string shown(std::string_view text);
// Why a text that is no finite number is not one: "'abc' is not a number".
std::string why_no_number(std::string_view text);
// The shortest text that reads back as the same number.
std::string text_of(double value);

}  // namespace bayesum
