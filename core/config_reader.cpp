#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <system_error>

#include <toml++/toml.h>

#include "core/config.hpp"
#include "core/files/input_file.hpp"
#include "core/files/utf8.hpp"
#include "core/nearest.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr int kMaxKeyParts = 64;

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ExitCode::kUsage, sentence); }

std::string position(const std::string& name, const toml::source_position& at) {
  return name + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
}

// Refuses a key of very many parts, before the parser makes of it tables so deep that the stack
// does not hold them.
void check_depth(const std::string& text, const std::string& name) {
  int parts = 1;
  char previous = '\0';
  for (const char c : text) {
    if (c == '.' && previous != '.') ++parts;
    if (c == '\n' || c == '=' || c == ',' || (c == '.' && previous == '.')) parts = 1;
    if (parts > kMaxKeyParts) {
      refuse(name + " has a key of more than " + std::to_string(kMaxKeyParts) + " parts");
    }
    previous = c;
  }
}

// A value as messages show it.
std::string shown(const toml::node& node) {
  constexpr std::size_t kLongest = 60;
  if (node.is_array()) return "a list";
  if (node.is_table()) return "a table";
  std::ostringstream stream;
  node.visit([&](const auto& value) { stream << value; });
  std::string text = stream.str();
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

// What a node or the text of a flag says, if it is of the type asked for.
std::optional<bool> read(const toml::node& node, bool*) { return node.value_exact<bool>(); }
std::optional<std::int64_t> read(const toml::node& node, std::int64_t*) {
  return node.value_exact<std::int64_t>();
}
std::optional<double> read(const toml::node& node, double*) {
  if (const auto whole = node.value_exact<std::int64_t>()) return static_cast<double>(*whole);
  return node.value_exact<double>();
}
std::optional<std::string> read(const toml::node& node, std::string*) {
  return node.value_exact<std::string>();
}
std::optional<Strings> read(const toml::node& node, Strings*) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  Strings texts;
  for (const toml::node& element : *array) {
    const auto text = element.value_exact<std::string>();
    if (!text) return std::nullopt;
    texts.push_back(*text);
  }
  return texts;
}
std::optional<Wholes> read(const toml::node& node, Wholes*) {
  const toml::array* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  Wholes values;
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::int64_t>();
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

std::optional<bool> read(const std::string& text, bool*) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}
template <class Number>
std::optional<Number> read_number(const std::string& text) {
  Number value{};
  const char* first = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(first, last, value);
  if (problem != std::errc{} || end != last) return std::nullopt;
  return value;
}
std::optional<std::int64_t> read(const std::string& text, std::int64_t*) {
  return read_number<std::int64_t>(text);
}
std::optional<double> read(const std::string& text, double*) { return read_number<double>(text); }
std::optional<std::string> read(const std::string& text, std::string*) { return text; }
std::optional<Strings> read(const std::string& text, Strings*) {
  Strings parts;
  for (std::size_t first = 0; first < text.size();) {
    const std::size_t comma = std::min(text.find(',', first), text.size());
    parts.push_back(text.substr(first, comma - first));
    first = comma + 1;
  }
  return parts;
}
std::optional<Wholes> read(const std::string& text, Wholes*) {
  Wholes values;
  const Strings parts = read(text, static_cast<Strings*>(nullptr)).value();
  for (const std::string& part : parts) {
    const auto value = read_number<std::int64_t>(part);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

// `subject` is where a value stands and what it is: "a.toml:1:7: rule.rho = 2", "--rule.rho 2".
[[noreturn]] void refuse_type(const std::string& subject, std::string type, std::string bound) {
  if (type != "text" && type != "true or false") type = "a " + type;
  if (!bound.empty()) bound = " (" + bound + ")";
  refuse(subject + " is not " + type + bound);
}

void check_number(const Interval& interval, const std::string& name, double value,
                  const std::string& subject) {
  if (std::isnan(value)) refuse(subject + " is not a number");
  if (!interval.contains(value)) refuse(subject + " is outside " + interval.text(name));
}

void check(const Field&, bool, const std::string&) {}
void check(const Field&, const Strings&, const std::string&) {}
void check(const Field& field, const Wholes& values, const std::string& subject) {
  for (const std::int64_t value : values) {
    check_number(field.interval, "each element", static_cast<double>(value), subject);
  }
}
template <class Number>
void check(const Field& field, const Number& value, const std::string& subject) {
  check_number(field.interval, field.key.substr(field.key.rfind('.') + 1),
               static_cast<double>(value), subject);
}
void check(const Field& field, const std::string& value, const std::string& subject) {
  if (field.choices.empty()) return;
  for (const std::string& choice : field.choices) {
    if (choice == value) return;
  }
  refuse(subject + " is not " + field.bound_text() + "; did you mean " +
         nearest(value, field.choices) + "?");
}

double read_entry(const Field& field, const std::string& entry, const auto& source,
                  const std::string& subject) {
  const std::optional<double> value = read(source, static_cast<double*>(nullptr));
  if (!value) refuse_type(subject, "number", field.interval.text(entry));
  check_number(field.interval, entry, *value, subject);
  return *value;
}

// Sets a field that is not a table.
void set(const Field& field, const auto& source, const std::string& subject) {
  std::visit(
      [&]<class T>(T* target) {
        if constexpr (!std::is_same_v<T, Numbers>) {
          const std::optional<T> value = read(source, target);
          if (!value) refuse_type(subject, field.type_text(), field.bound_text());
          check(field, *value, subject);
          *target = *value;
        }
      },
      field.value);
}

enum class Unknown { kRefused, kPassedOver };

class FileReader {
 public:
  FileReader(const std::string& name, Fields& fields, Unknown unknown)
      : name_(name), fields_(fields), unknown_(unknown) {
    for (const Field& field : fields.all()) {
      sections_.insert(field.key.substr(0, field.key.find('.')));
    }
  }

  void read_file(const toml::table& root) const {
    for (const auto& [key, node] : root) {
      const std::string section(key.str());
      const std::string place = position(name_, key.source().begin);
      if (!sections_.contains(section)) {
        if (unknown_ == Unknown::kPassedOver) continue;
        if (!node.is_table()) refuse_unknown(place, section);
        const std::vector<std::string> known(sections_.begin(), sections_.end());
        refuse(place + "unknown section [" + section + "]; did you mean [" +
               nearest(section, known) + "]?");
      }
      if (!node.is_table()) {
        refuse(place + section + " = " + shown(node) + " is not a section, [" + section + "]");
      }
      read_section(section, *node.as_table());
    }
  }

 private:
  void read_section(const std::string& section, const toml::table& table) const {
    for (const auto& [key, node] : table) {
      const std::string full = section + "." + std::string(key.str());
      const Field* field = fields_.find(full);
      if (field == nullptr && unknown_ == Unknown::kPassedOver) continue;
      if (field == nullptr) refuse_unknown(position(name_, key.source().begin), full);
      const std::string subject = position(name_, node.source().begin) + full + " = " + shown(node);
      if (Numbers* const* numbers = std::get_if<Numbers*>(&field->value)) {
        if (!node.is_table()) refuse_type(subject, field->type_text(), field->bound_text());
        read_table(*field, *node.as_table(), **numbers);
      } else {
        set(*field, node, subject);
      }
    }
  }

  void read_table(const Field& field, const toml::table& table, Numbers& numbers) const {
    numbers.clear();
    for (const auto& [key, node] : table) {
      const std::string entry(key.str());
      const std::string subject =
          position(name_, node.source().begin) + field.key + "." + entry + " = " + shown(node);
      numbers[entry] = read_entry(field, entry, node, subject);
    }
  }

  [[noreturn]] void refuse_unknown(const std::string& place, const std::string& key) const {
    refuse(place + "unknown key " + key + "; did you mean " + fields_.nearest(key) + "?");
  }

  const std::string& name_;
  Fields& fields_;
  Unknown unknown_;
  std::set<std::string> sections_;
};

void apply(const Override& flag, const Fields& fields) {
  const std::string subject = "--" + flag.key + " " + flag.value;
  if (!is_utf8(flag.key) || !is_utf8(flag.value)) refuse(subject + " is not UTF-8");
  if (const Field* field = fields.find(flag.key)) {
    if (std::holds_alternative<Numbers*>(field->value)) {
      refuse("--" + flag.key + " needs the name of an entry: --" + flag.key + ".NAME " +
             flag.value);
    }
    set(*field, flag.value, subject);
    return;
  }
  for (const Field& field : fields.all()) {
    Numbers* const* numbers = std::get_if<Numbers*>(&field.value);
    if (numbers == nullptr || !flag.key.starts_with(field.key + ".")) continue;
    const std::string entry = flag.key.substr(field.key.size() + 1);
    (**numbers)[entry] = read_entry(field, entry, flag.value, subject);
    return;
  }
  refuse("unknown option --" + flag.key + "; did you mean --" + fields.nearest(flag.key) + "?");
}

toml::table table_of(const std::string& text, const std::string& name) {
  if (text.size() > kMaxBytes) {
    refuse(name + " has " + std::to_string(text.size()) + " bytes, a configuration at most " +
           std::to_string(kMaxBytes));
  }
  check_depth(text, name);
  try {
    return toml::parse(std::string_view(text), std::string_view(name));
  } catch (const toml::parse_error& problem) {
    refuse(position(name, problem.source().begin) + std::string(problem.description()));
  }
}

std::string text_of(const std::filesystem::path& path) {
  const InputFile file(path);
  std::string text(std::min<std::uint64_t>(file.size(), kMaxBytes + 1), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace

void parse_config(const std::string& text, const std::string& name,
                  const std::vector<Override>& overrides, Fields& fields) {
  FileReader(name, fields, Unknown::kRefused).read_file(table_of(text, name));
  for (const Override& flag : overrides) apply(flag, fields);
}

void load_config(const std::filesystem::path& path, const std::vector<Override>& overrides,
                 Fields& fields) {
  parse_config(text_of(path), path.string(), overrides, fields);
}

void load_known(const std::filesystem::path& path, const std::vector<Override>& overrides,
                Fields& fields) {
  const std::string name = path.string();
  FileReader(name, fields, Unknown::kPassedOver).read_file(table_of(text_of(path), name));
  for (const Override& flag : overrides) {
    if (fields.find(flag.key) != nullptr) apply(flag, fields);
  }
}

bool gives_section(const std::filesystem::path& path, const std::vector<Override>& overrides,
                   const std::string& section) {
  const auto of_section = [&](const Override& flag) {
    return flag.key == section || flag.key.starts_with(section + ".");
  };
  return std::ranges::any_of(overrides, of_section) ||
         table_of(text_of(path), path.string()).contains(section);
}

}  // namespace bayesum
