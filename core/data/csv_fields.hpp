#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bayesum {

// One field of a line of comma-separated text (RFC 4180).
struct CsvField {
  std::string_view text;  // without quotes and the spaces around it
  const char* end;        // the comma after it, or the end of the line
  const char* fault;      // what is wrong with it; null: nothing
};

// The field at the start of [first, last). A quoted field has its "" turned into " in `unquoted`,
// which its text may then point into. A field whose closing quote is not on the line is a fault:
// what belongs to a row could otherwise not be told from the bytes around it alone.
CsvField csv_field(const char* first, const char* last, std::string& unquoted);

// All fields of a line; one of their faults, if there are any, goes to `fault`.
std::vector<std::string> csv_fields(std::string_view line, const char** fault = nullptr);

}  // namespace bayesum
