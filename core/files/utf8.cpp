#include "core/files/utf8.hpp"

namespace bayesum {

CodePoint first_code_point(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || text.size() <= more) return {};
  char32_t code = more == 0 ? lead : lead & (0x3fu >> more);
  for (std::size_t j = 1; j <= more; ++j) {
    const auto byte = static_cast<unsigned char>(text[j]);
    if ((byte & 0xc0) != 0x80) return {};
    code = code << 6 | (byte & 0x3fu);
  }
  const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, more + 1};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = first_code_point(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string to_utf8(char32_t code) {
  const auto tail = [code](int shift) {
    return static_cast<char>(0x80 | (static_cast<unsigned>(code) >> shift & 0x3f));
  };
  const auto head = [code](int shift, unsigned mark) {
    return static_cast<char>(mark | static_cast<unsigned>(code) >> shift);
  };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {head(6, 0xc0), tail(0)};
  if (code < 0x10000) return {head(12, 0xe0), tail(6), tail(0)};
  return {head(18, 0xf0), tail(12), tail(6), tail(0)};
}

}  // namespace bayesum
