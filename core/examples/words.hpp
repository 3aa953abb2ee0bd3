#pragma once

#include <cstddef>
#include <string_view>

namespace bayesum {

// The length in bytes, at least 1, of the word that a text, not empty, begins with: what GPT-2's
// pattern
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// matches there, the first alternative that does. Words tile the text. \p{L} and \p{N} are
// Unicode's letters and numbers (General_Category), \s its white space (White_Space); a byte that
// is no UTF-8 is none of them.
std::size_t next_word(std::string_view text);

// White_Space of Unicode's PropList.
bool is_white_space(char32_t code);

}  // namespace bayesum
