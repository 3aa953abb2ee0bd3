#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bayesum {

// UTF-8, as TOML and the files of a run are: whole sequences, none longer than it must be, no
// surrogates, nothing beyond U+10FFFF (RFC 3629).

struct CodePoint {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0: what the text begins with is no UTF-8
};
// The code point that a text, not empty, begins with.
CodePoint first_code_point(std::string_view text);

bool is_utf8(std::string_view text);

// The sequence of a code point that there is.
std::string to_utf8(char32_t code);

}  // namespace bayesum
