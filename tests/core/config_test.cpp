#include "core/config.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <random>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

// One field of every type, under keys like those of the program.
struct Settings {
  bool intercept = true;
  std::int64_t shards = 8;
  double rho = 1.0;
  double sd = 2.5;
  std::string name = "auto";
  std::string path;
  Strings features;
  Wholes hidden;
  Numbers sd_of;

  Fields describe() {
    Fields fields;
    fields.add("model.intercept", intercept, "whether to add a column of ones");
    fields.add("data.virtual_shards", shards, {1, 4096}, "pieces of the data");
    fields.add("rule.rho", rho, {0, 1, true, false}, "step size");
    fields.add("prior.sd", sd, kPositive, "of every slope");
    fields.add("rule.name", name, {"auto", "exact", "von"}, "learning rule");
    fields.add("data.path", path, {}, "the table");
    fields.add("data.features", features, "columns");
    fields.add("model.hidden", hidden, {1, 4096}, "widths");
    fields.add("prior.sd_of", sd_of, kPositive, "by name");
    return fields;
  }
};

Settings parsed(const std::string& text, const std::vector<Override>& overrides = {}) {
  Settings settings;
  Fields fields = settings.describe();
  parse_config(text, "a.toml", overrides, fields);
  return settings;
}

void expect_refused(const std::string& text, const std::vector<Override>& overrides,
                    const std::string& sentence) {
  try {
    parsed(text, overrides);
    ADD_FAILURE() << "accepted: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), sentence);
    EXPECT_EQ(error.code(), ExitCode::kUsage) << text;
  }
}

TEST(Config, ReadsEveryType) {
  const Settings s = parsed(R"(
[data]
path = "d.csv"
features = ["age", "x.1"]
virtual_shards = 16
[rule]
rho = 1
name = "von"
[model]
intercept = false
hidden = [64, 8]
[prior]
sd = inf
sd_of = { age = 1, "x.1" = inf }
)");
  EXPECT_EQ(s.path, "d.csv");
  EXPECT_EQ(s.features, (Strings{"age", "x.1"}));
  EXPECT_EQ(s.hidden, (Wholes{64, 8}));
  EXPECT_EQ(s.shards, 16);
  EXPECT_EQ(s.rho, 1.0);
  EXPECT_EQ(s.name, "von");
  EXPECT_FALSE(s.intercept);
  EXPECT_TRUE(std::isinf(s.sd));
  EXPECT_EQ(s.sd_of.at("age"), 1.0);
  EXPECT_TRUE(std::isinf(s.sd_of.at("x.1")));
}

TEST(Config, FlagsComeAfterTheFile) {
  const Settings s = parsed("[rule]\nrho = 0.5\n[prior.sd_of]\nage = 3.0\nbmi = 2.0\n",
                            {{"rule.rho", "0.25"},
                             {"data.features", "age,x.1"},
                             {"data.path", "some where.csv"},
                             {"data.virtual_shards", "32"},
                             {"model.intercept", "false"},
                             {"model.hidden", "64,8"},
                             {"prior.sd", "inf"},
                             {"prior.sd_of.age", "1"},
                             {"prior.sd_of.x.1", "4"}});
  EXPECT_EQ(s.rho, 0.25);
  EXPECT_EQ(s.features, (Strings{"age", "x.1"}));
  EXPECT_EQ(s.path, "some where.csv");
  EXPECT_EQ(s.hidden, (Wholes{64, 8}));
  EXPECT_EQ(s.shards, 32);
  EXPECT_FALSE(s.intercept);
  EXPECT_TRUE(std::isinf(s.sd));
  EXPECT_EQ(s.sd_of, (Numbers{{"age", 1.0}, {"bmi", 2.0}, {"x.1", 4.0}}));
}

struct Bad {
  std::string text;
  std::string sentence;
};

TEST(Config, EveryBadFileIsOneSentence) {
  const std::vector<Bad> cases = {
      {"[rule]\nrho = 1.5\n", "a.toml:2:7: rule.rho = 1.5 is outside 0 < rho <= 1"},
      {"[rule]\nrho = 0\n", "a.toml:2:7: rule.rho = 0 is outside 0 < rho <= 1"},
      {"[rule]\nrho = -inf\n", "a.toml:2:7: rule.rho = -inf is outside 0 < rho <= 1"},
      {"[rule]\nrho = nan\n", "a.toml:2:7: rule.rho = nan is not a number"},
      {"[rule]\n  rho   =   2\n", "a.toml:2:13: rule.rho = 2 is outside 0 < rho <= 1"},
      {"rule.rho = 2\n", "a.toml:1:12: rule.rho = 2 is outside 0 < rho <= 1"},
      {"rule = { rho = 2 }\n", "a.toml:1:16: rule.rho = 2 is outside 0 < rho <= 1"},
      {"[rule]\nrho = \"fast\"\n", "a.toml:2:7: rule.rho = 'fast' is not a number (0 < rho <= 1)"},
      {"[rule]\nrho = true\n", "a.toml:2:7: rule.rho = true is not a number (0 < rho <= 1)"},
      {"[rule]\nrho = [1]\n", "a.toml:2:7: rule.rho = a list is not a number (0 < rho <= 1)"},
      {"[rule.rho]\nx = 1\n", "a.toml:1:1: rule.rho = a table is not a number (0 < rho <= 1)"},
      {"[rule]\nrho = 1979-05-27\n",
       "a.toml:2:7: rule.rho = 1979-05-27 is not a number (0 < rho <= 1)"},
      {"[rule]\nrhoo = 1\n", "a.toml:2:1: unknown key rule.rhoo; did you mean rule.rho?"},
      {"[data]\nrho = 1\n", "a.toml:2:1: unknown key data.rho; did you mean rule.rho?"},
      {"rho = 1\n", "a.toml:1:1: unknown key rho; did you mean rule.rho?"},
      {"[rul]\nrho = 1\n", "a.toml:1:2: unknown section [rul]; did you mean [rule]?"},
      {"[[rule]]\nrho = 1\n", "a.toml:1:3: rule = a list is not a section, [rule]"},
      {"rule = 3\n", "a.toml:1:1: rule = 3 is not a section, [rule]"},
      {"[rule]\nname = \"vom\"\n",
       "a.toml:2:8: rule.name = 'vom' is not one of auto, exact, von; did you mean von?"},
      {"[rule]\nname = 1\n", "a.toml:2:8: rule.name = 1 is not text (one of auto, exact, von)"},
      {"[data]\nvirtual_shards = 0\n",
       "a.toml:2:18: data.virtual_shards = 0 is outside 1 <= virtual_shards <= 4096"},
      {"[data]\nvirtual_shards = 2.5\n",
       "a.toml:2:18: data.virtual_shards = 2.5 is not a whole number (1 <= virtual_shards <= "
       "4096)"},
      {"[data]\npath = 3\n", "a.toml:2:8: data.path = 3 is not text"},
      {"[data]\nfeatures = \"age\"\n", "a.toml:2:12: data.features = 'age' is not a list of texts"},
      {"[model]\nhidden = [8, 0]\n",
       "a.toml:2:10: model.hidden = a list is outside 1 <= each element <= 4096"},
      {"[model]\nhidden = [8, 1.5]\n",
       "a.toml:2:10: model.hidden = a list is not a list of whole numbers (each 1 <= x <= 4096)"},
      {"[data]\nfeatures = [\"age\", 3]\n",
       "a.toml:2:12: data.features = a list is not a list of texts"},
      {"[model]\nintercept = 1\n", "a.toml:2:13: model.intercept = 1 is not true or false"},
      {"[prior]\nsd_of = 3\n",
       "a.toml:2:9: prior.sd_of = 3 is not a table of numbers (each x > 0)"},
      {"[prior.sd_of]\nage = -1\n", "a.toml:2:7: prior.sd_of.age = -1 is outside age > 0"},
      {"[prior.sd_of]\nage = \"wide\"\n",
       "a.toml:2:7: prior.sd_of.age = 'wide' is not a number (age > 0)"},
      {"[rule]\nrho = 1\nrho = 1\n",
       "a.toml:3:7: Error while parsing key-value pair: cannot redefine existing integer 'rho'"},
      {"[rule\nrho = 1\n", "a.toml:1:6: Error while parsing table header: expected ']', saw '\\n'"},
      {"[rule]\nrho = \n",
       "a.toml:2:7: Error while parsing key-value pair: expected value, saw '\\n'"},
      {"[rule]\nname = \"von\n",
       "a.toml:2:12: Error while parsing string: unescaped control characters other than TAB "
       "(U+0009) are explicitly prohibited"},
      {"[data]\npath = \"\xff\"\n", "a.toml:2:8: Encountered invalid utf-8 sequence"},
      {std::string("[data]\n\0\n", 9),
       "a.toml:2:1: Error while parsing root table: expected keys, tables, whitespace or comments, "
       "saw '\\u0000'"},
  };
  for (const Bad& bad : cases) expect_refused(bad.text, {}, bad.sentence);
}

TEST(Config, EveryBadFlagIsOneSentence) {
  const std::vector<std::pair<Override, std::string>> cases = {
      {{"rule.rho", "1.5"}, "--rule.rho 1.5 is outside 0 < rho <= 1"},
      {{"rule.rho", "nan"}, "--rule.rho nan is not a number"},
      {{"rule.rho", "0.5x"}, "--rule.rho 0.5x is not a number (0 < rho <= 1)"},
      {{"rule.rho", ""}, "--rule.rho  is not a number (0 < rho <= 1)"},
      {{"data.virtual_shards", "1e3"},
       "--data.virtual_shards 1e3 is not a whole number (1 <= virtual_shards <= 4096)"},
      {{"data.virtual_shards", "99999999999999999999"},
       "--data.virtual_shards 99999999999999999999 is not a whole number (1 <= virtual_shards <= "
       "4096)"},
      {{"model.intercept", "yes"}, "--model.intercept yes is not true or false"},
      {{"rule.name", "exac"},
       "--rule.name exac is not one of auto, exact, von; did you mean exact?"},
      {{"rule.roh", "1"}, "unknown option --rule.roh; did you mean --rule.rho?"},
      {{"rho", "1"}, "unknown option --rho; did you mean --rule.rho?"},
      {{"prior.sd_of", "1"}, "--prior.sd_of needs the name of an entry: --prior.sd_of.NAME 1"},
      {{"prior.sd_of.age", "0"}, "--prior.sd_of.age 0 is outside age > 0"},
      {{"data.path", "gr\xf6"}, "--data.path gr\xf6 is not UTF-8"},
      {{"prior.sd_of.\xc3", "1"}, "--prior.sd_of.\xc3 1 is not UTF-8"},
      {{"data.path", "\xc0\x80"}, "--data.path \xc0\x80 is not UTF-8"},
      {{"data.path", "\xed\xa0\x80"}, "--data.path \xed\xa0\x80 is not UTF-8"},
      {{"data.path", "\xf5\x80\x80\x80"}, "--data.path \xf5\x80\x80\x80 is not UTF-8"},
      {{"prior.sd_of.age", "old"}, "--prior.sd_of.age old is not a number (age > 0)"},
  };
  for (const auto& [flag, sentence] : cases) expect_refused("", {flag}, sentence);
}

TEST(Config, TextIsLimitedBeforeItIsParsed) {
  expect_refused(std::string((1 << 20) + 1, '#'), {},
                 "a.toml has 1048577 bytes, a configuration at most 1048576");
  std::string deep = "a";
  for (int i = 0; i < 200000; ++i) deep += ".a";
  expect_refused(deep + " = 1\n", {}, "a.toml has a key of more than 64 parts");
  expect_refused("[" + deep + "]\n", {}, "a.toml has a key of more than 64 parts");
  EXPECT_NO_THROW(parsed("# " + std::string(500, '.') + "\n"));
}

TEST(Config, AMissingFileIsAFileError) {
  Settings settings;
  Fields fields = settings.describe();
  try {
    load_config("no/such.toml", {}, fields);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kFile);
    EXPECT_STREQ(error.what(), "cannot read no/such.toml: No such file or directory");
  }
}

// Any value that a field can hold survives being written and read.
class RandomSettings {
 public:
  explicit RandomSettings(std::uint64_t seed) : engine_(seed) {}

  Settings next() {
    Settings s;
    s.intercept = engine_() % 2 == 0;
    s.shards = 1 + static_cast<std::int64_t>(engine_() % 4096);
    s.rho = positive(1.0);
    s.sd = positive(std::numeric_limits<double>::infinity());
    s.name = std::vector<std::string>{"auto", "exact", "von"}[engine_() % 3];
    s.path = text();
    for (std::uint64_t i = engine_() % 4; i > 0; --i) s.features.push_back(text());
    for (std::uint64_t i = engine_() % 4; i > 0; --i) s.hidden.push_back(1 + engine_() % 4096);
    for (std::uint64_t i = engine_() % 4; i > 0; --i) {
      s.sd_of[text()] = positive(std::numeric_limits<double>::infinity());
    }
    return s;
  }

 private:
  // From the bits of a double, so that every magnitude comes up.
  double positive(double limit) {
    for (;;) {
      const double x = std::bit_cast<double>(engine_());
      if (x > 0 && x <= limit) return x;
    }
  }
  std::string text() {
    static const std::vector<std::string> kPieces = {"a",  "Z", "9", ".",  " ", "\"", "\\",   "'",
                                                     "\n", "#", "=", "\t", "é", "数", "\x01", "]"};
    std::string text;
    for (std::uint64_t i = engine_() % 6; i > 0; --i) text += kPieces[engine_() % kPieces.size()];
    return text;
  }

  std::mt19937_64 engine_;
};

TEST(Config, TomlRoundTripsExactly) {
  RandomSettings random(7);
  for (int i = 0; i < 2000; ++i) {
    Settings wrote = random.next();
    Settings read = parsed(to_toml(wrote.describe()));
    ASSERT_EQ(read.intercept, wrote.intercept);
    ASSERT_EQ(read.shards, wrote.shards);
    ASSERT_EQ(read.rho, wrote.rho);
    ASSERT_EQ(read.sd, wrote.sd);
    ASSERT_EQ(read.name, wrote.name);
    ASSERT_EQ(read.path, wrote.path);
    ASSERT_EQ(read.features, wrote.features);
    ASSERT_EQ(read.hidden, wrote.hidden);
    ASSERT_EQ(read.sd_of, wrote.sd_of);
  }
}

TEST(Config, TomlHasTheSectionsAskedFor) {
  Settings settings;
  settings.sd_of = {{"age", 1.0}, {"x.1", 2.5e-7}};
  EXPECT_EQ(to_toml(settings.describe(), {"rule", "prior"}),
            "[rule]\nrho = 1.0\nname = \"auto\"\n"
            "\n[prior]\nsd = 2.5\nsd_of = { age = 1.0, \"x.1\" = 2.5e-07 }\n");
}

TEST(Config, HelpNamesEveryKeyWithTypeDefaultAndBound) {
  Settings settings;
  const std::string help = help_text(settings.describe());
  EXPECT_NE(help.find("[rule]\n  --rule.rho <number>   default 1.0; 0 < rho <= 1\n      step size\n"
                      "  --rule.name <text>   default \"auto\"; one of auto, exact, von\n"),
            std::string::npos)
      << help;
  const Fields fields = settings.describe();
  for (const Field& field : fields.all()) {
    EXPECT_NE(help.find("--" + field.key + " <" + field.type_text() + ">"), std::string::npos);
    EXPECT_NE(help.find(field.help), std::string::npos);
  }
}

TEST(Interval, SaysWhatItContains) {
  EXPECT_EQ(kAnyNumber.text(), "any number");
  EXPECT_EQ(kPositive.text("sd"), "sd > 0");
  EXPECT_EQ(kNonNegative.text(), "x >= 0");
  EXPECT_EQ((Interval{0, 1, false, true}).text(), "0 <= x < 1");
  EXPECT_EQ((Interval{-std::numeric_limits<double>::infinity(), 3, true, true}).text(), "x < 3");
  EXPECT_TRUE(kPositive.contains(std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(kPositive.contains(0.0));
  EXPECT_TRUE(kNonNegative.contains(0.0));
  EXPECT_FALSE(kAnyNumber.contains(std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace
}  // namespace bayesum
