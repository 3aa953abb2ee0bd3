#pragma once

#include <string_view>

namespace bayesum {

// Is it UTF-8, as TOML and the files of a run are: whole sequences, none longer than it must be, no
// surrogates, nothing beyond U+10FFFF? (RFC 3629)
bool is_utf8(std::string_view text);

}  // namespace bayesum
