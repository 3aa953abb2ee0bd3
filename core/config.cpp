#include "core/config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>

#include "core/nearest.hpp"

namespace bayesum {
namespace {

// The shortest text that reads back as the same number.
std::string shortest(double x) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return {text.data(), end};
}

// A number of TOML that is a float, not an integer.
std::string toml_float(double x) {
  std::string text = shortest(x);
  if (std::isfinite(x) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string toml_string(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      text += "\\u00";
      text += {kHex[byte >> 4], kHex[byte & 15]};
    } else {
      text += c;
    }
  }
  return text + '"';
}

std::string toml_key(const std::string& key) {
  const auto is_bare = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), is_bare);
  return bare ? key : toml_string(key);
}

std::string toml_value(bool value) { return value ? "true" : "false"; }
std::string toml_value(std::int64_t value) { return std::to_string(value); }
std::string toml_value(double value) { return toml_float(value); }
std::string toml_value(const std::string& value) { return toml_string(value); }
std::string toml_value(const Strings& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ", ") + toml_string(value);
  return "[" + text + "]";
}
std::string toml_value(const Wholes& values) {
  std::string text;
  for (const std::int64_t value : values)
    text += (text.empty() ? "" : ", ") + std::to_string(value);
  return "[" + text + "]";
}
std::string toml_value(const Numbers& numbers) {
  std::string text;
  for (const auto& [key, value] : numbers) {
    text += (text.empty() ? " " : ", ") + toml_key(key) + " = " + toml_float(value);
  }
  return text.empty() ? "{}" : "{" + text + " }";
}

std::string section_of(const std::string& key) { return key.substr(0, key.find('.')); }
std::string leaf_of(std::string_view key) { return std::string(key.substr(key.rfind('.') + 1)); }

// Indented lines of at most 80 characters, cut between words.
std::string wrapped(const std::string& paragraph) {
  constexpr std::size_t kWidth = 80;
  const std::string indent(6, ' ');
  std::string text;
  std::string line = indent;
  std::istringstream words(paragraph);
  for (std::string word; words >> word;) {
    if (line.size() > indent.size() && line.size() + 1 + word.size() > kWidth) {
      text += line + "\n";
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
  }
  return text + line + "\n";
}

std::vector<std::string> sections_of(const Fields& fields) {
  std::vector<std::string> sections;
  for (const Field& field : fields.all()) {
    const std::string section = section_of(field.key);
    if (std::find(sections.begin(), sections.end(), section) == sections.end()) {
      sections.push_back(section);
    }
  }
  return sections;
}

}  // namespace

bool Interval::contains(double x) const {
  const bool above = low_open ? x > low : x >= low;
  const bool below = high_open ? x < high : x <= high;
  return above && below;
}

std::string Interval::text(std::string_view name) const {
  const bool bounded_below = std::isfinite(low);
  const bool bounded_above = std::isfinite(high);
  const std::string middle(name);
  if (bounded_below && bounded_above) {
    return shortest(low) + (low_open ? " < " : " <= ") + middle + (high_open ? " < " : " <= ") +
           shortest(high);
  }
  if (bounded_below) return middle + (low_open ? " > " : " >= ") + shortest(low);
  if (bounded_above) return middle + (high_open ? " < " : " <= ") + shortest(high);
  return low_open || high_open ? "any finite number" : "any number";
}

std::string Field::type_text() const {
  constexpr std::array kTypes = {
      "true or false",    "whole number",         "number", "text", "list of texts",
      "table of numbers", "list of whole numbers"};
  return kTypes.at(value.index());
}

std::string Field::bound_text() const {
  if (!choices.empty()) {
    std::string text;
    for (const std::string& choice : choices) text += (text.empty() ? "" : ", ") + choice;
    return "one of " + text;
  }
  const bool unbounded = interval.contains(-std::numeric_limits<double>::infinity()) &&
                         interval.contains(std::numeric_limits<double>::infinity());
  if (unbounded) return "";
  const bool many =
      std::holds_alternative<Numbers*>(value) || std::holds_alternative<Wholes*>(value);
  return many ? "each " + interval.text() : interval.text(leaf_of(key));
}

std::string Field::value_text() const {
  return std::visit([](const auto* v) { return toml_value(*v); }, value);
}

void Fields::add(std::string key, bool& value, std::string help) {
  all_.push_back({std::move(key), &value, {}, {}, std::move(help)});
}
void Fields::add(std::string key, std::int64_t& value, Interval interval, std::string help) {
  all_.push_back({std::move(key), &value, interval, {}, std::move(help)});
}
void Fields::add(std::string key, double& value, Interval interval, std::string help) {
  all_.push_back({std::move(key), &value, interval, {}, std::move(help)});
}
void Fields::add(std::string key, std::string& value, std::vector<std::string> choices,
                 std::string help) {
  all_.push_back({std::move(key), &value, {}, std::move(choices), std::move(help)});
}
void Fields::add(std::string key, Strings& value, std::string help) {
  all_.push_back({std::move(key), &value, {}, {}, std::move(help)});
}
void Fields::add(std::string key, Numbers& value, Interval interval, std::string help) {
  all_.push_back({std::move(key), &value, interval, {}, std::move(help)});
}
void Fields::add(std::string key, Wholes& value, Interval interval, std::string help) {
  all_.push_back({std::move(key), &value, interval, {}, std::move(help)});
}

const Field* Fields::find(std::string_view key) const {
  const auto at =
      std::find_if(all_.begin(), all_.end(), [&](const Field& field) { return field.key == key; });
  return at == all_.end() ? nullptr : &*at;
}

std::string Fields::nearest(std::string_view key) const {
  std::vector<std::string> keys;
  std::vector<std::string> leaves;
  for (const Field& field : all_) {
    keys.push_back(field.key);
    leaves.push_back(leaf_of(field.key));
  }
  const bool known_leaf = std::ranges::find(leaves, leaf_of(key)) != leaves.end();
  if (!known_leaf && key.find('.') != std::string_view::npos) return bayesum::nearest(key, keys);
  const auto leaf = std::ranges::find(leaves, bayesum::nearest(leaf_of(key), leaves));
  return leaf == leaves.end() ? "" : keys[static_cast<std::size_t>(leaf - leaves.begin())];
}

std::string to_toml(const Fields& fields, const std::vector<std::string>& sections) {
  std::string text;
  for (const std::string& section : sections.empty() ? sections_of(fields) : sections) {
    text += (text.empty() ? "[" : "\n[") + section + "]\n";
    for (const Field& field : fields.all()) {
      if (section_of(field.key) != section) continue;
      text += leaf_of(field.key) + " = " + field.value_text() + "\n";
    }
  }
  return text;
}

std::string help_text(const Fields& fields) {
  std::string text;
  for (const std::string& section : sections_of(fields)) {
    text += (text.empty() ? "[" : "\n[") + section + "]\n";
    for (const Field& field : fields.all()) {
      if (section_of(field.key) != section) continue;
      const std::string value = field.value_text();
      const std::string bound = field.bound_text();
      text += "  --" + field.key + " <" + field.type_text() + ">   " +
              (value == "\"\"" ? "no default" : "default " + value) +
              (bound.empty() ? "" : "; " + bound) + "\n" + wrapped(field.help);
    }
  }
  return text;
}

}  // namespace bayesum
