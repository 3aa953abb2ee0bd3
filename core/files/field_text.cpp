#include "core/files/field_text.hpp"

#include <algorithm>
#include <array>

namespace bayesum {
namespace {

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_number(std::string_view text, double& value) {
  return !text.empty() &&
         parse_number(text.data(), text.data() + text.size(), value) == text.data() + text.size();
}

bool is_number(std::string_view text) {
  double value;
  return is_number(text, value);
}

bool is_missing(std::string_view text) {
  return text.empty() || text == "?" || equals_ignoring_case(text, "na") ||
         equals_ignoring_case(text, "nan") || equals_ignoring_case(text, "null");
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 40;
  std::string part(text.substr(0, kShown));
  std::replace_if(
      part.begin(), part.end(), [](unsigned char c) { return c < 32 || c == 127; }, '?');
  return "'" + part + (text.size() > kShown ? "...'" : "'");
}

std::string why_no_number(std::string_view text) {
  if (text.empty()) return "the field is empty";
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ptr == end && parsed.ec == std::errc::result_out_of_range) {
    return shown(text) + " is outside the range of float64";
  }
  if (parsed.ptr == end && parsed.ec == std::errc()) return shown(text) + " is not a finite number";
  return shown(text) + " is not a number";
}

std::string text_of(double value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

}  // namespace bayesum
