#include "core/data/libsvm.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <new>

#include "tests/core/files.hpp"
#include "tests/core/packed.hpp"
#include "tests/core/table_rows.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::numbers;
using testing::read_in_parts;
using testing::read_rows;
using testing::ReadRows;
using testing::TemporaryFolder;
using Values = std::vector<std::vector<double>>;

constexpr const char* kText =
    "# a comment\n1 1:0.5 3:-2e1\r\n\n-1\t2:+7   # and another 9:9\n0.5  3:4 \n 2 1:0 \n";

Selection sparse(const std::vector<std::size_t>& columns, std::size_t dense) {
  Selection selection = numbers(columns);
  selection.first_sparse = dense;
  return selection;
}

TEST(Libsvm, ReadsRowsWhereverItIsCut) {
  const TemporaryFolder folder;
  const std::string marked = std::string("\xEF\xBB\xBF") + kText;  // as some editors begin UTF-8
  for (const std::string& content : {std::string(kText), testing::gzipped(kText), marked}) {
    const LibsvmFile file(folder.file("a.svm", content));
    const Values expected{{1, 0.5, 0, -20}, {-1, 0, 7, 0}, {0.5, 0, 0, 4}, {2, 0, 0, 0}};
    EXPECT_EQ(file.widest(file.extent()), 4u);
    for (std::size_t parts = 1; parts <= file.extent().size() + 3; ++parts) {
      EXPECT_EQ(read_in_parts(file, parts, sparse({0, 1, 2, 3}, 1)).values, expected) << parts;
    }
  }
}

TEST(Libsvm, GivesAnySelectionInItsOrder) {
  const TemporaryFolder folder;
  const LibsvmFile file(folder.file("a.svm", "1 1:1 2:2 3:3 7:7\n0 2:5 2000000000:4\n"));
  EXPECT_EQ(read_rows(file, file.extent(), sparse({3, 0, 7, 1}, 2)).values,
            (Values{{3, 1, 7, 1}, {0, 0, 0, 0}}));
  file.read(file.extent(), sparse({0, 3, 7, 1}, 1), 1, [](const TableRows& rows) {
    for (std::size_t k = 1; k < rows.sparse.column.size(); ++k) {
      EXPECT_LT(rows.sparse.column[k - 1], rows.sparse.column[k]);
    }
  });
  EXPECT_EQ(file.column("2000000000"), 2000000000u);
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { file.column("03"); }).find("no column"),
            std::string::npos);
}

// Sanitizers need more address space than this.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Libsvm, TheHighestIndicesTakeNoMoreMemoryThanOthers) {
  const TemporaryFolder folder;
  const LibsvmFile file(
      folder.file("a.svm", "1 1:1 7:7 2000000000:2 2147483647:3\n0 2000000000:4\n"));
  struct rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  struct rlimit smaller = before;
  smaller.rlim_cur = std::size_t{2} << 30;  // a number for each index would be 16 GiB
  ASSERT_EQ(setrlimit(RLIMIT_AS, &smaller), 0);
  std::string problem = "no problem";
  ReadRows found;
  try {
    found = read_rows(file, file.extent(), sparse({0, 2147483647, 7, 2000000000}, 1));
  } catch (const std::bad_alloc&) {
    problem = "out of memory";
  }
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(problem, "no problem");
  EXPECT_EQ(found.values, (Values{{1, 3, 7, 2}, {0, 0, 0, 4}}));
  EXPECT_EQ(error_of(ExitCode::kUsage,
                     [&] {
                       read_rows(file, file.extent(), sparse({0, 2000000000, 2000000000}, 1));
                     }),
            file.path().string() + ": column '2000000000' is selected twice");
}
#endif

TEST(Libsvm, LabelsMayBeLeftOutUnlessTheyAreRead) {
  const TemporaryFolder folder;
  const LibsvmFile file(folder.file("a.svm", "1:3\n5 1:4\n"));
  EXPECT_EQ(read_rows(file, file.extent(), sparse({1}, 0)).values, (Values{{3}, {4}}));
  EXPECT_EQ(error_of(ExitCode::kFile,
                     [&] {
                       read_rows(file, file.extent(), sparse({0, 1}, 1));
                     }),
            file.path().string() + ":1: the row has no label");
}

TEST(Libsvm, NamesLineAndFault) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"1 3:1 3:2", "index 3 comes after 3: indices ascend"},
      {"1 3:1 2:2", "index 2 comes after 3: indices ascend"},
      {"1 0:1", "'0:1' has an index outside 1 to 2147483647"},
      {"1 2147483648:1", "'2147483648:1' has an index outside 1 to 2147483647"},
      {"1 99999999999999999999999:1",
       "'99999999999999999999999:1' has an index outside 1 to 2147483647"},
      {"1 -1:1", "'-1:1' is not index:value"},
      {"1 qid:3", "'qid:3' is not index:value"},
      {"1 3", "'3' is not index:value"},
      {"1 2:", "index 2: the field is empty"},
      {"1 2:x", "index 2: 'x' is not a number"},
      {"1 2:1e999", "index 2: '1e999' is outside the range of float64"},
      {"1 2:inf", "index 2: 'inf' is not a finite number"},
      {"1 2:NaN", "index 2: 'NaN' is not a finite number"},
      {"1 5:x", "index 5: 'x' is not a number"},
      {"a 2:1", "the label: 'a' is not a number"},
      {"1 2:1,3:1", "index 2: '1,3:1' is not a number"},
  };
  for (const auto& [line, why] : cases) {
    const LibsvmFile file(folder.file("a.svm", "1 1:1\n# x\n" + line + "\n"));
    EXPECT_EQ(error_of(ExitCode::kFile,
                       [&] {
                         read_rows(file, file.extent(), sparse({0, 1, 2, 3}, 1));
                       }),
              file.path().string() + ":3: " + why);
  }
}

TEST(Libsvm, MissingValuesAreNaNWhereTheyMayBe) {
  const TemporaryFolder folder;
  const LibsvmFile file(folder.file("a.svm", "NA 1:?\n1 1:nan 2:3\n"));
  Selection selection = sparse({0, 1, 2}, 1);
  selection.missing = true;
  const Values rows = read_rows(file, file.extent(), selection).values;
  EXPECT_TRUE(std::isnan(rows[0][0]) && std::isnan(rows[0][1]) && std::isnan(rows[1][1]));
  EXPECT_EQ(rows[1][2], 3);
}

TEST(Libsvm, TakesNamesFromAFile) {
  const TemporaryFolder folder;
  const auto names = folder.file("names.txt", "age\nbmi\n");
  LibsvmFile file(folder.file("a.svm", "1 2:3\n"), names);
  EXPECT_EQ(file.columns(), (std::vector<std::string>{"label", "age", "bmi"}));
  EXPECT_EQ(file.column("bmi"), 2u);
  const LibsvmFile beyond(folder.file("a.svm", "1 3:3\n"), names);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_rows(beyond, beyond.extent(), numbers({0})); }),
            beyond.path().string() + ":1: index 3 has no name: there are names for 2");
  EXPECT_NE(
      error_of(ExitCode::kFile,
               [&] { LibsvmFile(folder.path() / "a.svm", folder.file("names.txt", "a\na\n")); })
          .find("'a' occurs twice"),
      std::string::npos);
  LibsvmFile wide(folder.file("a.svm", "1 2147483647:3\n"));
  EXPECT_NE(error_of(ExitCode::kFile, [&] { wide.set_width(wide.widest(wide.extent())); })
                .find("indices up to 2147483647, more than the 1048576 features"),
            std::string::npos);
}

}  // namespace
}  // namespace bayesum
