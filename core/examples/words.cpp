#include "core/examples/words.hpp"

#include <utf8proc.h>

#include <array>

#include "core/files/utf8.hpp"

namespace bayesum {
namespace {

enum class Kind : unsigned char { kLetter, kNumber, kSpace, kOther };

Kind kind_of(char32_t code) {
  if (is_white_space(code)) return Kind::kSpace;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Kind::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Kind::kNumber;
    default:
      return Kind::kOther;
  }
}

struct Character {
  Kind kind;
  std::size_t bytes;
};

Character first_character(std::string_view text) {
  static const std::array<Kind, 128> kAscii = [] {
    std::array<Kind, 128> kinds{};
    for (char32_t code = 0; code < kinds.size(); ++code) kinds[code] = kind_of(code);
    return kinds;
  }();
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < kAscii.size()) return {kAscii[lead], 1};
  const CodePoint point = first_code_point(text);
  return point.bytes == 0 ? Character{Kind::kOther, 1}
                          : Character{kind_of(point.code), point.bytes};
}

// Where the characters of this kind end that go on from `at`.
std::size_t end_of_run(std::string_view text, std::size_t at, Kind kind) {
  while (at < text.size()) {
    const Character next = first_character(text.substr(at));
    if (next.kind != kind) break;
    at += next.bytes;
  }
  return at;
}

// Bytes of the contraction that the text begins with, or 0.
std::size_t contraction(std::string_view text) {
  for (const std::string_view end : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (text.starts_with(end)) return end.size();
  }
  return 0;
}

// White space leaves its last character to a word that follows, unless it is the only one.
std::size_t white_space(std::string_view text) {
  std::size_t end = 0, last = 0;
  while (end < text.size()) {
    const Character next = first_character(text.substr(end));
    if (next.kind != Kind::kSpace) return last > 0 ? last : end;
    last = end;
    end += next.bytes;
  }
  return end;
}

}  // namespace

bool is_white_space(char32_t code) {
  return (code >= 0x9 && code <= 0xd) || code == 0x20 || code == 0x85 || code == 0xa0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
         code == 0x202f || code == 0x205f || code == 0x3000;
}

std::size_t next_word(std::string_view text) {
  if (const std::size_t bytes = text[0] == '\'' ? contraction(text) : 0; bytes > 0) return bytes;
  const std::size_t start = text[0] == ' ' && text.size() > 1 ? 1 : 0;
  const Kind kind = first_character(text.substr(start)).kind;
  return kind == Kind::kSpace ? white_space(text) : end_of_run(text, start, kind);
}

}  // namespace bayesum
