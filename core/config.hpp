#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bayesum {

// Configuration is a struct next to the class that uses it. Its `describe(Fields&)` lists every
// field once, with key, bound and help; the field's initial value is its default. From that list
// come the TOML reader, the command-line flags, --help, and the resolved configuration of a run.

// Bounds of a number; an open end excludes the bound itself.
struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  bool high_open = false;

  bool contains(double x) const;                        // false for NaN
  std::string text(std::string_view name = "x") const;  // "0 < x <= 1", "x >= 0", "any number"
};

inline constexpr Interval kAnyNumber{};
inline constexpr Interval kPositive{0.0, std::numeric_limits<double>::infinity(), true, false};
inline constexpr Interval kNonNegative{0.0, std::numeric_limits<double>::infinity(), false, false};

using Strings = std::vector<std::string>;
using Wholes = std::vector<std::int64_t>;
using Numbers = std::map<std::string, double>;  // a table with the user's own keys

struct Field {
  std::string key;  // "rule.rho"
  std::variant<bool*, std::int64_t*, double*, std::string*, Strings*, Numbers*, Wholes*> value;
  Interval interval;                 // of a number, and of each number of a table or list
  std::vector<std::string> choices;  // of a string; empty: any
  std::string help;

  std::string type_text() const;   // "true or false", "whole number", "number", "text", ...
  std::string bound_text() const;  // "0 < rho <= 1", "one of full, diagonal"; empty: no bound
  std::string value_text() const;  // the present value as TOML
};

class Fields {
 public:
  void add(std::string key, bool& value, std::string help);
  void add(std::string key, std::int64_t& value, Interval interval, std::string help);
  void add(std::string key, double& value, Interval interval, std::string help);
  void add(std::string key, std::string& value, std::vector<std::string> choices, std::string help);
  void add(std::string key, Strings& value, std::string help);
  void add(std::string key, Numbers& value, Interval interval, std::string help);
  void add(std::string key, Wholes& value, Interval interval, std::string help);

  const std::vector<Field>& all() const { return all_; }
  const Field* find(std::string_view key) const;
  // The key nearest to a mistyped one, by edit distance; of one without a section, or in a wrong
  // one, what follows the section decides.
  std::string nearest(std::string_view key) const;

 private:
  std::vector<Field> all_;
};

// One `--section.key value` of the command line; for a table field, `--section.key.name value`; a
// list is separated by commas.
struct Override {
  std::string key;
  std::string value;
};

// Reads the file, then the overrides, into the fields. Every problem of a file is one
// Error(kUsage): "train.toml:12:7: rule.rho = 1.5 is outside 0 < rho <= 1", an unknown key with the
// nearest one, a wrong type with the type wanted; for an override "--rule.rho 1.5 is outside ...".
// A missing file is Error(kFile). Text is limited in size and depth before it is parsed.
void load_config(const std::filesystem::path& path, const std::vector<Override>& overrides,
                 Fields& fields);
// The same from text, `name` standing for the path in messages.
void parse_config(const std::string& text, const std::string& name,
                  const std::vector<Override>& overrides, Fields& fields);

// The same for some of the fields of a file, by which all of them can be chosen: other keys are
// passed over.
void load_known(const std::filesystem::path& path, const std::vector<Override>& overrides,
                Fields& fields);

// Does the file have this section, or is there a flag of it? Errors as load_config for a file that
// is no TOML.
bool gives_section(const std::filesystem::path& path, const std::vector<Override>& overrides,
                   const std::string& section);

// The present values of these sections (of all, when none is named) as TOML; reading it back gives
// the same values, bit for bit.
std::string to_toml(const Fields& fields, const std::vector<std::string>& sections = {});

// Every key with type, present value (the default), bound and help, for --help.
std::string help_text(const Fields& fields);

}  // namespace bayesum
