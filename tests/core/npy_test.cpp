#include "core/data/npy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/core/files.hpp"
#include "tests/core/npy_bytes.hpp"
#include "tests/core/packed.hpp"
#include "tests/core/table_rows.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::npy_header;
using testing::npy_matrix;
using testing::npy_vector;
using testing::numbers;
using testing::raw;
using testing::read_in_parts;
using testing::read_rows;
using testing::TemporaryFolder;
using Values = std::vector<std::vector<double>>;

TEST(Npy, ReadsRowsWhereverItIsCut) {
  const TemporaryFolder folder;
  const std::string bytes = npy_matrix({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 2);
  for (const bool packed : {false, true}) {
    const NpyFile file(folder.file("a.npy", packed ? testing::gzipped(bytes) : bytes));
    EXPECT_EQ(file.columns(), (std::vector<std::string>{"x1", "x2"}));
    for (std::size_t parts = 1; parts < 8; ++parts) {
      EXPECT_EQ(read_in_parts(file, parts, numbers({1, 0})).values,
                (Values{{2, 1}, {4, 3}, {6, 5}, {8, 7}, {10, 9}}));
    }
    const auto by_blocks = read_rows(file, file.extent(), numbers({0}), 2);
    EXPECT_EQ(by_blocks.values, (Values{{1}, {3}, {5}, {7}, {9}}));
    EXPECT_EQ(by_blocks.hash, read_rows(file, file.extent(), numbers({0})).hash);
    EXPECT_EQ(file.place(2), file.path().string() + ": row 3");
  }
}

template <class T>
void expect_type(const std::string& descr, const std::vector<T>& values) {
  const TemporaryFolder folder;
  for (const int version : {1, 2, 3}) {
    const std::string header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" +
                               std::to_string(values.size()) + ",)}";
    const NpyFile file(folder.file("a.npy", npy_header(header, version) + raw(values)));
    const auto rows = read_rows(file, file.extent(), numbers({0})).values;
    ASSERT_EQ(rows.size(), values.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i][0], static_cast<double>(values[i])) << descr;
    }
  }
}

template <class T>
std::vector<T> ends() {
  return {std::numeric_limits<T>::lowest(), 0, 1, 7, std::numeric_limits<T>::max()};
}

TEST(Npy, KnowsItsTypes) {
  expect_type("<f4", ends<float>());
  expect_type("<f8", ends<double>());
  expect_type("|i1", ends<std::int8_t>());
  expect_type("<i2", ends<std::int16_t>());
  expect_type("<i4", ends<std::int32_t>());
  expect_type("<i8", ends<std::int64_t>());
  expect_type("|u1", ends<std::uint8_t>());
  expect_type("<u2", ends<std::uint16_t>());
  expect_type("<u4", ends<std::uint32_t>());
  expect_type("<u8", ends<std::uint64_t>());
  expect_type("|b1", std::vector<std::uint8_t>{0, 1});
}

TEST(Npy, AStructuredArrayHasNamedColumns) {
  const TemporaryFolder folder;
  std::string rows;
  for (int i = 0; i < 3; ++i) {
    rows += raw(std::vector<double>{i + 0.5}) + raw(std::vector<std::int32_t>{-i}) +
            raw(std::vector<std::uint8_t>{1});
  }
  const std::string header =
      "{'descr': [('age', '<f8'), ('n', '<i4'), ('on', '|b1')], 'fortran_order': False, "
      "'shape': (3,), }";
  const NpyFile file(folder.file("a.npy", npy_header(header) + rows));
  EXPECT_EQ(file.columns(), (std::vector<std::string>{"age", "n", "on"}));
  EXPECT_EQ(read_rows(file, file.extent(), numbers({2, 0, 1})).values,
            (Values{{1, 0.5, 0}, {1, 1.5, -1}, {1, 2.5, -2}}));
}

TEST(Npy, RefusesWhatItDoesNotRead) {
  const TemporaryFolder folder;
  const auto head = [](const std::string& descr, const std::string& order,
                       const std::string& shape) {
    return npy_header("{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape +
                      "}");
  };
  const std::string number(8, '\0');
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "it is no .npy file"},
      {"\x93NUMP", "it is no .npy file"},
      {"PK\x03\x04 and more bytes", "it is no .npy file"},
      {npy_header("{}", 4), "version 4 of the .npy format is not known"},
      {npy_header("{'descr': '<f8'}"), "descr, fortran_order and shape are not all there"},
      {npy_header("{'descr': '<f8', 'descr': '<f8'}"), "its header cannot be read: key 'descr'"},
      {npy_header("nothing"), "its header cannot be read: no '{' at byte 0"},
      {head("'<f8'", "True", "(1, 1)") + number, "it is in Fortran order; save it in C order"},
      {head("'>f8'", "False", "(1,)") + number, "numbers of type '>f8' are big-endian"},
      {head("'<c8'", "False", "(1,)") + number, "numbers of type '<c8' are not supported"},
      {head("'|O'", "False", "(1,)") + number, "numbers of type '|O' are not supported"},
      {head("'<U2'", "False", "(1,)") + number, "numbers of type '<U2' are not supported"},
      {head("'<f8'", "False", "()") + number, "an array of 0 dimensions is not supported"},
      {head("'<f8'", "False", "(1, 1, 1)") + number, "an array of 3 dimensions is not supported"},
      {head("[('a', '<f8', (2,))]", "False", "(1,)") + number, "the field 'a' has a shape"},
      {head("[('a', [('b', '<f8')])]", "False", "(1,)") + number, "has fields of its own"},
      {head("'<f8'", "False", "(2,)") + number,
       "its shape wants 16 bytes after the header, where "
       "8 are"},
      {head("'<f8'", "False", "(1,)") + number + "x", "wants 8 bytes after the header, where 9"},
      {head("'<f8'", "False", "(9223372036854775807, 4)") + number, "its shape is too large"},
      {head("'<f8'", "False", "(99999999999999999999, 4)"), "a shape that is not of whole numbers"},
      {head("'<f8'", "False", "(-1, 4)"), "a shape that is not of whole numbers"},
      {head("'<f8'", "False", "(0, 1048577)"), "more than the 1048576 there may be"},
      {npy_header("{'descr': '<f8").substr(0, 60), "is longer than the file"},
  };
  for (const auto& [bytes, why] : cases) {
    const std::string path = folder.file("a.npy", bytes);
    const std::string told = error_of(ExitCode::kFile, [&] { NpyFile{path}; });
    EXPECT_EQ(told.find(path + ": "), 0u) << told;
    EXPECT_NE(told.find(why), std::string::npos) << told;
  }
}

TEST(Npy, NamesTheRowOfABadNumber) {
  const TemporaryFolder folder;
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const NpyFile file(folder.file("a.npy", npy_matrix({1, nan, infinity, 2}, 2)));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_rows(file, file.extent(), numbers({1})); }),
            file.path().string() + ": row 1: column 'x2': 'nan' is not a finite number");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_rows(file, file.extent(), numbers({0})); }),
            file.path().string() + ": row 2: column 'x1': 'inf' is not a finite number");
  Selection selection = numbers({1});
  selection.missing = true;
  EXPECT_TRUE(std::isnan(read_rows(file, file.extent(), selection).values[0][0]));
}

TEST(Npy, ItsNamesMayComeFromAnotherSystem) {
  const TemporaryFolder folder;
  const std::string names = folder.file("names",
                                        "\xEF\xBB\xBF"
                                        "age\r\nbmi\r\n");
  const NpyFile file(folder.file("a.npy", npy_matrix({1, 2, 3, 4}, 2)), names);
  EXPECT_EQ(file.columns(), (std::vector<std::string>{"age", "bmi"}));
}

TEST(Npy, PartsMayBeFilesOfTheirOwn) {
  const TemporaryFolder folder;
  NpyFile file(folder.file("a.npy", npy_matrix({1, 2, 3, 4}, 2)));
  const std::string y = folder.file("y.npy", npy_vector({7, 8}));
  file.attach(y);
  EXPECT_EQ(read_in_parts(file, 2, numbers({2, 0})).values, (Values{{7, 1}, {8, 3}}));
  const auto hash = [&] {
    NpyFile with_response(folder.path() / "a.npy");
    with_response.attach(y);
    return read_rows(with_response, file.extent(), numbers({2, 0})).hash;
  };
  const std::uint64_t before = hash();
  folder.file("y.npy", npy_vector({7, 9}));
  EXPECT_NE(hash(), before);
  folder.file("y.npy", npy_vector({7, 8, 9}));
  EXPECT_NE(error_of(ExitCode::kFile, [&] { file.attach(y); }).find("has 3 rows of 1 columns"),
            std::string::npos);
}

}  // namespace
}  // namespace bayesum
