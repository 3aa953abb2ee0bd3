#include "core/data/whitespace.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tests/core/files.hpp"
#include "tests/core/packed.hpp"
#include "tests/core/table_rows.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::numbers;
using testing::read_in_parts;
using testing::read_rows;
using testing::TemporaryFolder;
using Values = std::vector<std::vector<double>>;

constexpr const char* kText =
    "# a comment\n\n 1.5 \t2  -3\n4e2\t5 6 # more\r\n  \n7 8 9\n10 +11 12";

TEST(Whitespace, ReadsRowsWhereverItIsCut) {
  const TemporaryFolder folder;
  for (const bool packed : {false, true}) {
    const WhitespaceFile file(folder.file("a.txt", packed ? testing::gzipped(kText) : kText));
    EXPECT_EQ(file.columns(), (std::vector<std::string>{"x1", "x2", "x3"}));
    for (std::size_t parts = 1; parts < 20; ++parts) {
      EXPECT_EQ(read_in_parts(file, parts, numbers({2, 0})).values,
                (Values{{-3, 1.5}, {6, 400}, {9, 7}, {12, 10}}));
    }
    EXPECT_EQ(read_rows(file, file.extent(), numbers({1}), 1).values,
              (Values{{2}, {5}, {8}, {11}}));
  }
}

TEST(Whitespace, MayHaveNames) {
  const TemporaryFolder folder;
  const std::string table = folder.file("a.txt", "1 2\n");
  EXPECT_EQ(WhitespaceFile(table, folder.file("n", "age\nbmi\n")).column("bmi"), 1u);
  const std::string names = folder.file("m", "age\n");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { WhitespaceFile(table, names); }),
            names + ": 1 names for the 2 columns of " + table);
}

TEST(Whitespace, NamesTheLineOfWhatItCannotRead) {
  const TemporaryFolder folder;
  const auto told = [&](const std::string& text) {
    const std::string path = folder.file("a.txt", text);
    const std::string sentence = error_of(ExitCode::kFile, [&] {
      const WhitespaceFile file(path);
      read_rows(file, file.extent(), numbers({0}));
    });
    return sentence.starts_with(path) ? sentence.substr(path.size()) : sentence;
  };
  EXPECT_EQ(told(""), " is empty: it has no rows");
  EXPECT_EQ(told("# x\n\n"), " is empty: it has no rows");
  EXPECT_EQ(told("1 2\n\n3\n"), ":3: 1 fields where the first line has 2");
  EXPECT_EQ(told("1 2\n3 4 5\n"), ":2: 3 fields where the first line has 2");
  EXPECT_EQ(told("1 2\nabc 4\n"), ":2: column 'x1': 'abc' is not a number");
  EXPECT_EQ(told("1 2\n3 abc\n"), "no error");  // in a column that is not selected
}

TEST(Whitespace, MissingValuesAreNaNWhereTheyMayBe) {
  const TemporaryFolder folder;
  const WhitespaceFile file(folder.file("a.txt", "1 2\nNA 4\n"));
  Selection selection = numbers({0});
  selection.missing = true;
  EXPECT_TRUE(std::isnan(read_rows(file, file.extent(), selection).values[1][0]));
}

}  // namespace
}  // namespace bayesum
