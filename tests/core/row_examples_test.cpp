#include "core/examples/row_examples.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "core/examples/idx.hpp"
#include "core/examples/open_examples.hpp"
#include "core/examples/read_rows.hpp"
#include "tests/core/files.hpp"
#include "tests/core/npy_bytes.hpp"
#include "tests/core/packed.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::TemporaryFolder;
using Floats = std::vector<float>;
using Ints = std::vector<std::int32_t>;

std::string big_endian(const std::vector<std::uint32_t>& words) {
  std::string bytes;
  for (const std::uint32_t word : words) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(word >> shift);
  }
  return bytes;
}

std::string images(std::uint32_t count, std::uint32_t rows, std::uint32_t columns,
                   const std::string& pixels) {
  return big_endian({0x803, count, rows, columns}) + pixels;
}

std::string labels(const std::string& of) {
  return big_endian({0x801, static_cast<std::uint32_t>(of.size())}) + of;
}

struct Batch {
  Floats x;
  Ints labels;
  Floats y;

  explicit Batch(const Examples& examples, std::size_t rows)
      : x(rows * examples.shape().features),
        labels(examples.shape().classes > 0 ? rows : 0),
        y(rows * examples.shape().responses) {}
  ExampleBuffers buffers() { return {.features = x, .labels = labels, .response = y}; }
};

Batch all_of(const Examples& examples) {
  Batch batch(examples, examples.size_in_order());
  examples.fetch_in_order(0, examples.size_in_order(), batch.buffers());
  return batch;
}

TEST(Idx, ReadsImagesAndLabels) {
  const TemporaryFolder folder;
  for (const bool packed : {false, true}) {
    const auto file = [&](const std::string& name, const std::string& bytes) {
      return folder.file(name, packed ? testing::gzipped(bytes) : bytes);
    };
    const auto read = read_idx_images(file("i", images(2, 1, 3, std::string("\0\1\2\xff\4\5", 6))));
    EXPECT_EQ(read.count, 2u);
    EXPECT_EQ(read.rows, 1u);
    EXPECT_EQ(read.columns, 3u);
    EXPECT_EQ(read.pixels, (std::vector<std::uint8_t>{0, 1, 2, 255, 4, 5}));
    EXPECT_EQ(read_idx_labels(file("l", labels("\7\1"))), (std::vector<std::uint8_t>{7, 1}));
  }
}

TEST(Idx, RefusesWhatItIsNot) {
  const TemporaryFolder folder;
  const auto of_images = [&](const std::string& bytes) {
    const std::string path = folder.file("i", bytes);
    const std::string told = error_of(ExitCode::kFile, [&] { read_idx_images(path); });
    return told.starts_with(path + ": ") ? told.substr(path.size() + 2) : told;
  };
  EXPECT_EQ(of_images("short"), "its 5 bytes are no IDX file of images");
  EXPECT_EQ(of_images(labels("123456789")),
            "its magic number is 0x00000801, that of images is 0x00000803");
  EXPECT_EQ(of_images(images(1, 2, 2, "abc")),
            "its sizes, 1 x 2 x 2, are not those of the 3 bytes after its header");
  EXPECT_EQ(of_images(images(1, 2, 2, "abcde")),
            "its sizes, 1 x 2 x 2, are not those of the 5 bytes after its header");
  EXPECT_EQ(of_images(images(0, 2, 2, "")),
            "its sizes, 0 x 2 x 2, are not those of the 0 bytes after its header");
  EXPECT_EQ(of_images(images(0xffffffff, 0xffffffff, 0xffffffff, "a")),
            "its sizes, 4294967295 x 4294967295 x 4294967295, are not those of the 1 bytes after "
            "its header");
  EXPECT_EQ(of_images(images(0x80000000, 0x80000000, 4, "")),  // 2^64
            "its sizes, 2147483648 x 2147483648 x 4, are not those of the 0 bytes after its "
            "header");
  const std::string path = folder.file("l", big_endian({0x803, 1}) + "a");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_idx_labels(path); }),
            path + ": its magic number is 0x00000803, that of labels is 0x00000801");
}

TEST(ReadRows, ImagesAreScaledAsAsked) {
  const TemporaryFolder folder;
  const RowSource source{
      .path = folder.file("a.idx", images(2, 1, 2, std::string("\0\xff\x33\x66", 4))),
      .response = folder.file("l", labels(std::string("\2\0", 2)))};
  const RowExamples unit = read_rows(source, Response::kClass, Scaling::kUnit);
  EXPECT_EQ(unit.shape().features, 2u);
  EXPECT_EQ(unit.shape().classes, 3u);
  EXPECT_EQ(unit.design().classes, (Strings{"0", "1", "2"}));
  EXPECT_EQ(all_of(unit).x, (Floats{0.0f, 1.0f, 0.2f, 0.4f}));
  EXPECT_EQ(all_of(unit).labels, (Ints{2, 0}));
  const RowExamples raw = read_rows(source, Response::kClass, Scaling::kNone);
  EXPECT_EQ(all_of(raw).x, (Floats{0, 255, 51, 102}));
  const double mean = 102, sd = std::sqrt((102. * 102 + 153. * 153 + 51. * 51) / 4);
  const Batch standard = all_of(read_rows(source, Response::kClass, Scaling::kStandard));
  EXPECT_NEAR(standard.x[1], (255 - mean) / sd, 1e-6);
  EXPECT_NEAR(standard.x[2], (51 - mean) / sd, 1e-6);

  RowSource other = source;
  other.response = folder.file("m", labels("\1\3"));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_rows(other, unit.design()); }),
            other.response + ": label 3 is one that training has not seen, which knows 0 to 2");
  other.response = folder.file("m", labels("\1"));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_rows(other, unit.design()); }),
            other.response + " has 1 labels for the 2 images of " + source.path);
  other = source;
  other.path = folder.file("b.idx", images(2, 1, 1, "ab"));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_rows(other, unit.design()); }),
            other.path + ": images of 1 pixels where those of the training have 2");
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { read_rows(source, Response::kReal, Scaling::kUnit); })
                .find("labels are classes"),
            std::string::npos);
}

constexpr const char* kTable = "1 10\t100 \n 2  20 50\n# nothing\n\n3 60 0\n6 30 850\n";

TEST(ReadRows, TablesAreStandardizedByTheRowsOfTheTraining) {
  const TemporaryFolder folder;
  RowSource source{.path = folder.file("data.txt", kTable),
                   .format = "whitespace",
                   .response = "x3",
                   .rows = folder.file("train.txt", "2\n0\n\n1\n")};
  const RowExamples training = read_rows(source, Response::kReal, Scaling::kStandard);
  const RowDesign& design = training.design();
  EXPECT_EQ(design.features, (Strings{"x1", "x2"}));
  EXPECT_EQ(training.size(), 3u);
  EXPECT_NEAR(design.mean[0], 2, 1e-15);
  EXPECT_NEAR(design.mean[1], 30, 1e-14);
  EXPECT_NEAR(design.sd[0], std::sqrt(2.0 / 3), 1e-15);
  EXPECT_NEAR(design.sd[1], std::sqrt((400 + 100 + 900) / 3.0), 1e-14);
  EXPECT_NEAR(design.response_mean, 50, 1e-14);
  EXPECT_NEAR(design.response_sd, std::sqrt(5000 / 3.0), 1e-13);
  const Batch batch = all_of(training);
  EXPECT_NEAR(batch.x[0], -1 / design.sd[0], 1e-6);  // in the order of the table
  EXPECT_NEAR(batch.x[5], 30 / design.sd[1], 1e-6);
  EXPECT_NEAR(batch.y[0], 50 / design.response_sd, 1e-6);

  source.rows = folder.file("test.txt", "3");
  const RowExamples held_out = read_rows(source, design);
  EXPECT_EQ(held_out.size(), 1u);
  EXPECT_NEAR(all_of(held_out).y[0] * design.response_sd + design.response_mean, 850, 1e-3);
  const RowExamples raw = read_rows(source, Response::kReal, Scaling::kNone);
  EXPECT_EQ(all_of(raw).x, (Floats{6, 30}));
  EXPECT_EQ(all_of(raw).y, (Floats{850}));
}

TEST(ReadRows, ConstantColumnsStayFinite) {
  const TemporaryFolder folder;
  const RowSource source{.path = folder.file("a.csv", "a,b,y\n0.1,1,2\n0.1,2,2\n0.1,3,2\n"),
                         .response = "y"};
  const RowExamples rows = read_rows(source, Response::kReal, Scaling::kStandard);
  EXPECT_EQ(rows.design().sd[0], 1);
  EXPECT_EQ(rows.design().response_sd, 1);
  EXPECT_NEAR(all_of(rows).x[0], 0, 1e-7);
}

TEST(ReadRows, ClassesAreTexts) {
  const TemporaryFolder folder;
  const RowSource source{.path = folder.file("a.csv", "y,a\ndog,1\ncat,2\ndog,3\n"),
                         .response = "y"};
  const RowExamples rows = read_rows(source, Response::kClass, Scaling::kNone);
  EXPECT_EQ(rows.design().classes, (Strings{"cat", "dog"}));
  EXPECT_EQ(all_of(rows).labels, (Ints{1, 0, 1}));
  const RowSource other{.path = folder.file("b.csv", "y,a\ncow,1\n"), .response = "y"};
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_rows(other, rows.design()); }),
            other.path + ":2: column 'y': 'cow' is a level that training has not seen");

  const RowSource numbers{.path = folder.file("a.npy", testing::npy_matrix({1, 2, 3, 4, 5, 6}, 2)),
                          .response = folder.file("y.npy", testing::npy_vector({10, 9, 10}))};
  const RowExamples array = read_rows(numbers, Response::kClass, Scaling::kNone);
  EXPECT_EQ(array.design().classes, (Strings{"9", "10"}));
  EXPECT_EQ(all_of(array).labels, (Ints{1, 0, 1}));
  EXPECT_EQ(all_of(array).x, (Floats{1, 2, 3, 4, 5, 6}));
}

TEST(ReadRows, RefusesRowsThatAreNotThere) {
  const TemporaryFolder folder;
  RowSource source{
      .path = folder.file("data.txt", kTable), .format = "whitespace", .response = "x3"};
  const auto told = [&](const std::string& rows) {
    source.rows = folder.file("rows.txt", rows);
    const std::string sentence =
        error_of(ExitCode::kFile, [&] { read_rows(source, Response::kReal, Scaling::kStandard); });
    return sentence.starts_with(source.rows) ? sentence.substr(source.rows.size()) : sentence;
  };
  EXPECT_EQ(told("0\n4\n"), ":2: '4' is beyond the last row, 4 being there");
  EXPECT_EQ(told("0\n-1\n"), ":2: '-1' is not the number of a row, which count from 0");
  EXPECT_EQ(told("0.5"), ":1: '0.5' is not the number of a row, which count from 0");
  EXPECT_EQ(told("x"), ":1: 'x' is not the number of a row, which count from 0");
  EXPECT_EQ(told("1\n2\n1\n"), ":3: '1' is named twice");
  EXPECT_EQ(told("1e300"), ":1: '1e300' is beyond the last row, 4 being there");
  EXPECT_EQ(told("\n"), source.path + ": no rows are left to read");
}

TEST(ReadRows, RefusesColumnsThatDoNotFit) {
  const TemporaryFolder folder;
  RowSource source{.path = folder.file("a.csv", "y,a\n1,1\n2,\n"), .response = "y"};
  const auto told = [&](ExitCode code) {
    return error_of(code, [&] { read_rows(source, Response::kReal, Scaling::kStandard); });
  };
  EXPECT_EQ(told(ExitCode::kFile), source.path + ":3: column 'a': the field is empty");
  source.features = {"a", "y"};
  EXPECT_NE(told(ExitCode::kUsage).find("as response and as feature"), std::string::npos);
  source.features = {"a", "a"};
  EXPECT_NE(told(ExitCode::kUsage).find("twice among the features"), std::string::npos);
  source.features = {"b"};
  EXPECT_NE(told(ExitCode::kUsage).find("no column 'b'"), std::string::npos);
  source.response.clear();
  EXPECT_NE(told(ExitCode::kUsage).find("data.response"), std::string::npos);
}

TEST(RowExamples, AnEpochFetchesEveryRowOnce) {
  const TemporaryFolder folder;
  std::string text = "y,a\n";
  for (int i = 0; i < 57; ++i) text += std::to_string(i) + "," + std::to_string(2 * i) + "\n";
  const RowSource source{.path = folder.file("a.csv", text), .response = "y"};
  const RowExamples rows = read_rows(source, Response::kReal, Scaling::kNone);
  const ExampleOrder order(rows.size(), {.rows = 19}, 1);
  std::multiset<float> met;
  for (std::uint64_t step = 0; step < 3; ++step) {
    Batch batch(rows, 19);
    rows.fetch(order.of({step, 0, 0}), batch.buffers());
    for (std::size_t i = 0; i < 19; ++i) EXPECT_EQ(batch.x[i], 2 * batch.y[i]);
    met.insert(batch.y.begin(), batch.y.end());
  }
  EXPECT_EQ(met.size(), 57u);
  EXPECT_EQ(std::set<float>(met.begin(), met.end()).size(), 57u);
  Batch batch(rows, 1);
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { rows.fetch_in_order(57, 1, batch.buffers()); }),
            "there is no row 57 of 57");
}

ExampleSets opened(const std::string& toml, Response response = Response::kReal) {
  ExamplesConfig config;
  Fields fields;
  config.describe(fields);
  parse_config("[data]\n" + toml, "t.toml", {}, fields);
  return open_examples(config, response, 1);
}

TEST(OpenExamples, HoldsOutAShareOrAFileOrRows) {
  const TemporaryFolder folder;
  const std::string text = folder.file("t.txt", "abcabcabcabcabcabcab");
  const auto quoted = [](const std::string& name, const std::string& value) {
    return name + " = \"" + value + "\"\n";
  };
  const ExampleSets share = opened(quoted("path", text) + "context = 2\nvalidation_share = 0.25\n");
  EXPECT_EQ(share.tokenizer->name(), "characters");
  EXPECT_EQ(share.training->size(), 15u / 2 - 1);
  EXPECT_EQ(share.validation->size_in_order(), 2u);
  EXPECT_EQ(share.training->shape().vocabulary, 3u);

  const std::string other = folder.file("u.txt", "cab");
  const ExampleSets file =
      opened(quoted("path", text) + "context = 2\n" + quoted("validation", other));
  EXPECT_EQ(file.validation->size(), 1u);
  EXPECT_EQ(opened(quoted("path", text) + "context = 2\n").validation, nullptr);

  const std::string common = quoted("path", folder.file("data.txt", kTable)) +
                             quoted("format", "whitespace") + quoted("response", "x3");
  const ExampleSets rows = opened(common + quoted("rows", folder.file("a", "0\n1\n")) +
                                  quoted("validation_rows", folder.file("b", "2\n")));
  EXPECT_EQ(rows.training->size(), 2u);
  EXPECT_EQ(rows.validation->size(), 1u);
  EXPECT_EQ(rows.design.mean[0], 1.5);
  const ExampleSets cut = opened(common + "validation_share = 0.25\n");
  EXPECT_EQ(cut.training->size(), 3u);
  EXPECT_EQ(cut.validation->size(), 1u);

  const std::string pictures = folder.file("p.idx", images(2, 1, 1, "ab"));
  const std::string marks = folder.file("m.idx", labels("\1\1"));
  const ExampleSets idx =
      opened(quoted("path", pictures) + quoted("response", marks) + quoted("validation", pictures) +
                 quoted("validation_response", marks),
             Response::kClass);
  EXPECT_EQ(idx.validation->shape().classes, 2u);
}

TEST(OpenExamples, RefusesKeysThatDoNotGoTogether) {
  const TemporaryFolder folder;
  const std::string text = "path = \"" + folder.file("t.txt", "abcabc").string() + "\"\n";
  const std::string table =
      "path = \"" + folder.file("t.csv", "a,y\n1,2\n").string() + "\"\nresponse = \"y\"\n";
  const std::string tokens = "path = \"" + folder.file("t.bin", "abcabc").string() + "\"\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "data.path does not say"},
      {text + "response = \"y\"", "data.response is for rows; "},
      {text + "scaling = \"unit\"", "data.scaling is for rows; "},
      {table + "tokenizer = \"bytes\"", "data.tokenizer is for texts and tokens; "},
      {table + "scaling = \"unit\"", "data.scaling = \"unit\" is for images"},
      {tokens, "data.vocabulary_size does not say"},
      {tokens + "context = 2\nvocabulary_size = 65536\nvalidation = \"u.txt\"",
       "data.tokenizer does not say how the text u.txt becomes tokens"},
      {tokens + "tokenizer = \"bytes\"\nvocabulary_size = 255", "is below the 256 tokens"},
      {text + "tokenizer = \"gpt2\"", "needs its two files"},
      {text + "tokenizer = \"bytes\"\nmerges = \"m\"", "data.merges is for"},
      {text + "validation = \"u\"\nvalidation_share = 0.5", "data.validation_share is of"},
      {table + "validation_response = \"u\"", "data.validation_response is for data.validation"},
  };
  for (const auto& [toml, why] : cases) {
    const std::string config = toml + "\n";
    const std::string told = error_of(ExitCode::kUsage, [&] { opened(config); });
    EXPECT_NE(told.find(why), std::string::npos) << toml << told;
  }
}

class RealExamples : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("BAYESUM_DATA_DIR");
    if (folder == nullptr || !fs::is_directory(fs::path(folder) / "uci")) {
      GTEST_SKIP() << "needs uci/, mnist10k/ and tinyshakespeare.txt in the folder that "
                      "BAYESUM_DATA_DIR names";
    }
    folder_ = folder;
  }

  std::string folder_;
};

// The sizes of the splits are those of Hernandez-Lobato and Adams (2015): nine tenths for training.
TEST_F(RealExamples, TheSplitsOfUciTileTheTables) {
  for (const auto& [name, response, rows] :
       {std::tuple{"concrete", "x9", 1030}, {"energy", "x9", 768}, {"power-plant", "x5", 9568}}) {
    const std::string folder = folder_ + "/uci/" + name + "/";
    for (const std::string split : {"0", "19"}) {
      const ExampleSets sets =
          opened("path = \"" + folder + "data.txt\"\nformat = \"whitespace\"\n" + "response = \"" +
                 response + "\"\nrows = \"" + folder + "index_train_" + split +
                 ".txt\"\nvalidation_rows = \"" + folder + "index_test_" + split + ".txt\"\n");
      EXPECT_EQ(sets.training->size() + sets.validation->size(), static_cast<std::size_t>(rows));
      EXPECT_EQ(sets.training->size(), static_cast<std::size_t>(std::lround(0.9 * rows)));
      const Batch batch = all_of(*sets.training);
      double sum = 0, squares = 0;
      for (const float y : batch.y) sum += y, squares += double{y} * y;
      EXPECT_NEAR(sum / static_cast<double>(batch.y.size()), 0, 1e-5);
      EXPECT_NEAR(squares / static_cast<double>(batch.y.size()), 1, 1e-5);
    }
  }
}

// The mean pixel of MNIST's 10,000 test images is 0.1325 (the figure by which users of torchvision
// normalize them).
TEST_F(RealExamples, MnistHasItsTenDigits) {
  const std::string folder = folder_ + "/mnist10k/t10k-";
  const ExampleSets sets = opened("path = \"" + folder + "images-idx3-ubyte.gz\"\nresponse = \"" +
                                      folder + "labels-idx1-ubyte.gz\"\nvalidation_share = 0.2\n",
                                  Response::kClass);
  EXPECT_EQ(sets.training->size(), 8000u);
  EXPECT_EQ(sets.validation->size(), 2000u);
  EXPECT_EQ(sets.training->shape().features, 784u);
  EXPECT_EQ(sets.training->shape().classes, 10u);
  double sum = 0;
  for (const Examples* set : {sets.training.get(), sets.validation.get()}) {
    for (const float x : all_of(*set).x) sum += x;
  }
  EXPECT_NEAR(sum / 7840000, 0.1325, 5e-5);
}

// Of nanoGPT's data/shakespeare_char: 1,115,394 characters, 65 of them distinct; 1,003,854 tokens
// for training, 111,540 held out.
TEST_F(RealExamples, ShakespeareHasThe65CharactersOfNanoGpt) {
  const ExampleSets sets = opened("path = \"" + folder_ +
                                  "/tinyshakespeare.txt\"\nvalidation_share = 0.1\ncontext = 1\n");
  EXPECT_EQ(sets.tokenizer->size(), 65u);
  EXPECT_EQ(sets.training->size_in_order(), 1003854u - 1);
  EXPECT_EQ(sets.validation->size_in_order(), 111540u - 1);
}

}  // namespace
}  // namespace bayesum
