#include "core/data/csv.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <sstream>

#include "core/files/hash.hpp"
#include "tests/core/files.hpp"
#include "tests/core/packed.hpp"
#include "tests/core/table_rows.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

struct Rows {
  std::vector<std::vector<double>> values;
  std::vector<std::uint64_t> starts;
  std::vector<std::size_t> block_sizes;
  std::uint64_t hash = 0;
};

Selection selection_of(const std::vector<std::size_t>& columns) {
  Selection selection;
  for (const std::size_t column : columns) selection.columns.push_back({column});
  return selection;
}

Rows read(const CsvFile& file, Range bytes, const std::vector<std::size_t>& columns,
          std::size_t block_rows = 4096) {
  Rows result;
  result.hash = file.read(bytes, selection_of(columns), block_rows, [&](const TableRows& block) {
    const auto& rows = block.values;
    const auto& starts = block.starts;
    EXPECT_EQ(rows.rows, starts.size());
    EXPECT_EQ(rows.cols, columns.size());
    result.block_sizes.push_back(rows.rows);
    for (std::size_t i = 0; i < rows.rows; ++i) {
      const double* row = rows.data + i * rows.stride;
      result.values.emplace_back(row, row + rows.cols);
    }
    result.starts.insert(result.starts.end(), starts.begin(), starts.end());
  });
  return result;
}

Rows read_all(const CsvFile& file) {
  std::vector<std::size_t> all(file.columns().size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return read(file, file.extent(), all);
}

// The same by iostreams.
std::vector<std::vector<double>> rows_by_streams(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::vector<double>> rows;
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) {
    if (line.find_first_not_of(" \r") == std::string::npos) continue;
    std::istringstream fields(line);
    std::string field;
    std::vector<double> row;
    while (std::getline(fields, field, ',')) row.push_back(std::stod(field));
    rows.push_back(row);
  }
  return rows;
}

std::string random_table(std::mt19937& random, std::size_t rows, const std::string& end_of_line,
                         bool last_end) {
  std::uniform_real_distribution<double> exponent(-12, 12);
  std::normal_distribution<double> normal;
  std::ostringstream text;
  text.precision(17);
  text << "a,b,c" << end_of_line;
  for (std::size_t i = 0; i < rows; ++i) {
    if (random() % 11 == 0) text << end_of_line;
    text << random() % 100 << ", " << normal(random) * std::pow(10.0, exponent(random)) << " ,"
         << normal(random);
    if (i + 1 < rows || last_end) text << end_of_line;
  }
  return text.str();
}

TEST(Csv, ToleratesWhatIsHarmless) {
  const TemporaryFolder folder;
  const CsvFile file(
      folder.file("a.csv", "\xEF\xBB\xBF x , y\r\n\r\n +1.5 ,\t-2e-3 \r\n   \n1E+2,0.\n.5,-7"));
  EXPECT_EQ(file.columns(), (std::vector<std::string>{"x", "y"}));
  const std::vector<std::vector<double>> expected{{1.5, -2e-3}, {100, 0}, {0.5, -7}};
  EXPECT_EQ(read_all(file).values, expected);
}

TEST(Csv, ReadsTheSelectionInItsOrderAndTextNowhereElse) {
  const TemporaryFolder folder;
  const CsvFile file(folder.file("a.csv", "name,x,y\nann,1,2\nbob lee,3,4\n,5,6\n"));
  const std::vector<std::vector<double>> expected{{2, 1}, {4, 3}, {6, 5}};
  EXPECT_EQ(read(file, file.extent(), {2, 1}).values, expected);
  EXPECT_EQ(read(file, file.extent(), {}).values.size(), 3u);
  EXPECT_NE(error_of(ExitCode::kUsage,
                     [&] {
                       read(file, file.extent(), {1, 1});
                     })
                .find("'x' is selected twice"),
            std::string::npos);
}

TEST(Csv, NumbersAreTheNearestDoubles) {
  std::mt19937 random(1);
  const TemporaryFolder folder;
  const std::string text = random_table(random, 2000, "\n", true);
  EXPECT_EQ(read_all(CsvFile(folder.file("a.csv", text))).values, rows_by_streams(text));
}

TEST(Csv, ReadsQuotedFieldsWhereverItIsCut) {
  const TemporaryFolder folder;
  const std::string text =
      "\"a, \"\"b\"\"\",note,c\n1,\"x,y\",\"2.5\"\r\n \"3\" ,\"\"\"\", 4\n5,,\"6\" \n\"7\",\"\",8";
  for (const std::string& content : {text, testing::gzipped(text)}) {
    const CsvFile file(folder.file("a.csv", content));
    EXPECT_EQ(file.columns(), (std::vector<std::string>{"a, \"b\"", "note", "c"}));
    for (std::size_t parts = 1; parts < text.size() + 3; ++parts) {
      EXPECT_EQ(testing::read_in_parts(file, parts, testing::numbers({2, 0})).values,
                (std::vector<std::vector<double>>{{2.5, 1}, {4, 3}, {6, 5}, {8, 7}}));
    }
  }
}

TEST(Csv, RefusesANewlineInsideQuotesWhereverItIsCut) {
  const TemporaryFolder folder;
  const CsvFile file(folder.file("a.csv", "a,b\n1,x\n2,\"y\n3,z\"\n4,v\n"));
  for (std::size_t parts = 1; parts < file.extent().size() + 3; ++parts) {
    const std::string told = error_of(
        ExitCode::kFile, [&] { testing::read_in_parts(file, parts, testing::numbers({0})); });
    EXPECT_EQ(told.find(file.path().string() + ":3: column 'b': 'y' starts a quoted field"), 0u)
        << told;
  }
}

TEST(Csv, RefusesWhatIsNoTable) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "is empty"},
      {"1,2.5\n3,4\n", ":1: the first line holds numbers"},
      {"a,,c\n1,2,3\n", ":1: column 2 has no name"},
      {"\na,b\n", ":1: column 1 has no name"},
      {"a,b,a\n1,2,3\n", ":1: column 'a' occurs twice"},
      {"a,gr\xf6\xdf"
       "e\n1,2\n",
       ":1: the name of column 2 is not UTF-8"},
  };
  for (const auto& [text, why] : cases) {
    const std::string path = folder.file("a.csv", text);
    const std::string sentence = error_of(ExitCode::kFile, [&] { CsvFile{path}; });
    EXPECT_EQ(sentence.find(path), 0u) << sentence;
    EXPECT_NE(sentence.find(why), std::string::npos) << sentence;
  }
  const std::string missing = folder.path() / "missing.csv";
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { CsvFile{missing}; }),
            "cannot read " + missing + ": No such file or directory");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { CsvFile{folder.path()}; }),
            "cannot read " + folder.path().string() + ": it is not a regular file");
}

TEST(Csv, NamesLineColumnAndTextOfABadRow) {
  const TemporaryFolder folder;
  const std::string hint = "; a column of texts is named in data.categories";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"1,abc", "column 'y': 'abc' is not a number" + hint},
      {"1,2x", "column 'y': '2x' is not a number"},
      {"1,2 3", "column 'y': '2 3' is not a number"},
      {"0x10,2", "column 'x': '0x10' is not a number"},
      {"+-1,2", "column 'x': '+-1' is not a number" + hint},
      {"nan,2", "column 'x': 'nan' is not a finite number"},
      {"1,-inf", "column 'y': '-inf' is not a finite number"},
      {"1e999,2", "column 'x': '1e999' is outside the range of float64"},
      {"1,", "column 'y': the field is empty"},
      {" ,2", "column 'x': the field is empty"},
      {"1", "1 fields where the header has 2"},
      {"1,2,3", "3 fields where the header has 2"},
      {"1,2,", "3 fields where the header has 2"},
      {"1,\"2",
       "column 'y': '2' starts a quoted field that does not end on its line; a newline "
       "inside quotes is not supported"},
      {"1,\"2\"3", "column 'y': '2' is followed by more than a comma after its quotes"},
      {"1,\"a \"\"b\"\"\"", "column 'y': 'a \"b\"' is not a number" + hint},
      {"1,a\rb", "column 'y': 'a?b' is not a number" + hint},
      {"1,NA", "column 'y': 'NA' is not a number"},
      {"1,?", "column 'y': '?' is not a number"},
      {"1," + std::string(50, 'z'),
       "column 'y': '" + std::string(40, 'z') + "...' is not a number" + hint},
  };
  for (const auto& [line, why] : cases) {
    const std::string path = folder.file("a.csv", "x,y\n1,2\n\n3,4\n" + line + "\n5,6\n");
    const CsvFile file(path);
    EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_all(file); }), path + ":5: " + why);
  }
}

TEST(Csv, NamesTheNearestColumn) {
  const TemporaryFolder folder;
  const CsvFile file(folder.file("a.csv", "age,income,region\n"));
  EXPECT_EQ(file.column("income"), 1u);
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { file.column("incme"); }),
            file.path().string() + " has no column 'incme'; the nearest is 'income'");
}

TEST(Csv, RangesThatTileTheFileGiveEveryRowOnce) {
  std::mt19937 random(2);
  const TemporaryFolder folder;
  for (const std::size_t rows : {0, 1, 2, 7, 100}) {
    for (const std::string end_of_line : {"\n", "\r\n"}) {
      for (const bool last_end : {true, false}) {
        const std::string text = random_table(random, rows, end_of_line, last_end);
        const CsvFile file(folder.file("a.csv", text));
        const auto expected = rows_by_streams(text);
        std::vector<std::size_t> parts(13);
        std::iota(parts.begin(), parts.end(), std::size_t{1});
        parts.insert(parts.end(), {101, file.extent().size(), file.extent().size() + 5});
        for (const std::size_t shards : parts) {
          if (shards == 0) continue;
          Rows whole;
          for (std::size_t shard = 0; shard < shards; ++shard) {
            const Range part = even_part(file.extent().size(), shards, shard);
            const Range bytes{file.extent().first + part.first, file.extent().first + part.last};
            const Rows some = read(file, bytes, {0, 1, 2});
            whole.values.insert(whole.values.end(), some.values.begin(), some.values.end());
            for (const std::uint64_t start : some.starts) {
              EXPECT_TRUE(start >= bytes.first && start < bytes.last);
            }
          }
          EXPECT_EQ(whole.values, expected) << rows << " rows, " << shards << " shards";
        }
      }
    }
  }
}

TEST(Csv, KnowsTheLineOfEveryRow) {
  std::mt19937 random(3);
  const TemporaryFolder folder;
  const std::string text = random_table(random, 50, "\r\n", false);
  const CsvFile file(folder.file("a.csv", text));
  for (const std::uint64_t start : read_all(file).starts) {
    const auto before = std::count(text.begin(), text.begin() + static_cast<long>(start), '\n');
    EXPECT_EQ(file.place(start), file.path().string() + ":" + std::to_string(before + 1));
    EXPECT_EQ(text[start - 1], '\n');
  }
}

TEST(Csv, BlocksAreFullButTheLast) {
  std::mt19937 random(4);
  const TemporaryFolder folder;
  const CsvFile file(folder.file("a.csv", random_table(random, 100, "\n", true)));
  const Rows by_blocks = read(file, file.extent(), {0, 2}, 32);
  EXPECT_EQ(by_blocks.block_sizes, (std::vector<std::size_t>{32, 32, 32, 4}));
  const Rows at_once = read(file, file.extent(), {0, 2});
  EXPECT_EQ(by_blocks.values, at_once.values);
  EXPECT_EQ(by_blocks.starts, at_once.starts);
  EXPECT_EQ(by_blocks.hash, at_once.hash);
}

TEST(Csv, TheHashIsOfEveryByteOfTheLinesOfTheRange) {
  std::mt19937 random(5);
  const TemporaryFolder folder;
  const std::string text = random_table(random, 40, "\n", true);
  const CsvFile file(folder.file("a.csv", text));
  const std::size_t middle = (file.extent().first + file.extent().last) / 2;
  const Range left{file.extent().first, middle};
  const Range right{middle, file.extent().last};
  const std::uint64_t left_hash = read(file, left, {}).hash;
  const std::uint64_t right_hash = read(file, right, {}).hash;
  const std::uint64_t boundary = read(file, right, {}).starts.front();
  std::set<std::uint64_t> seen{left_hash, right_hash};
  for (std::size_t byte = file.extent().first; byte < text.size(); ++byte) {
    if (text[byte] < '0' || text[byte] > '9') continue;
    std::string other = text;
    other[byte] = other[byte] == '9' ? '8' : static_cast<char>(other[byte] + 1);
    const CsvFile changed(folder.file("a.csv", other));
    const bool in_left = byte < boundary;
    EXPECT_EQ(read(changed, left, {}).hash == left_hash, !in_left);
    EXPECT_EQ(read(changed, right, {}).hash == right_hash, in_left);
    seen.insert(read(changed, in_left ? left : right, {}).hash);
  }
  EXPECT_GT(seen.size(), 500u);
}

TEST(Csv, NoticesThatTheFileChangedItsSize) {
  const TemporaryFolder folder;
  const CsvFile file(folder.file("a.csv", "x\n1\n2\n"));
  folder.file("a.csv", "x\n1\n2\n3\n");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_all(file); }),
            file.path().string() + " changed its size from 6 to 8 bytes since it was opened");
}

// Several chunks of the reader; lines as long as a chunk and longer.
TEST(Csv, LinesMaySpanChunks) {
  const TemporaryFolder folder;
  std::mt19937 random(6);
  std::string text = "x,y\n";
  std::vector<std::vector<double>> expected;
  for (const std::size_t spaces :
       {std::size_t{3} << 20, std::size_t{4} << 20, std::size_t{9} << 20, std::size_t{1}}) {
    for (int i = 0; i < 20000; ++i) {
      expected.push_back({static_cast<double>(random()), static_cast<double>(i)});
      text +=
          std::to_string(static_cast<long>(expected.back()[0])) + "," + std::to_string(i) + "\n";
    }
    expected.push_back({1, 2});
    text += "1," + std::string(spaces, ' ') + "2\n";
  }
  const CsvFile file(folder.file("a.csv", text));
  const Rows at_once = read_all(file);
  EXPECT_EQ(at_once.values, expected);
  EXPECT_EQ(at_once.hash, hash_of(std::as_bytes(std::span(text).subspan(file.extent().first))));
  Rows whole;
  for (std::size_t shard = 0; shard < 5; ++shard) {
    const Range part = even_part(file.extent().size(), 5, shard);
    const Rows some =
        read(file, {file.extent().first + part.first, file.extent().first + part.last}, {0, 1});
    whole.values.insert(whole.values.end(), some.values.begin(), some.values.end());
  }
  EXPECT_EQ(whole.values, expected);
}

TEST(Csv, RefusesAnEndlessLine) {
  const TemporaryFolder folder;
  const CsvFile file(folder.file("a.csv", "x,y\n1,2\n" + std::string((64 << 20) + 1, ' ')));
  EXPECT_EQ(
      error_of(ExitCode::kFile, [&] { read_all(file); }),
      file.path().string() + ": the line that starts at byte 8 is longer than 67108864 bytes");
}

TEST(Csv, MemoryIsBoundedByTheBlock) {
  const auto peak_mib = [] {
    struct rusage usage {};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
  };
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "a.csv";
  {
    std::ofstream stream(path);
    stream << "x,y\n";
    const std::string line = "1234567,7654321\n";
    for (std::size_t i = 0; i < (std::size_t{100} << 20) / line.size(); ++i) stream << line;
  }
  const CsvFile file(path);
  const auto before = peak_mib();
  std::size_t rows_seen = 0;
  file.read(file.extent(), selection_of({0, 1}), 4096,
            [&](const TableRows& rows) { rows_seen += rows.rows(); });
  EXPECT_EQ(rows_seen, (std::size_t{100} << 20) / 16);
  EXPECT_LT(peak_mib() - before, 25);
}

}  // namespace
}  // namespace bayesum
