#include "core/files/safetensors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numbers>
#include <random>

#include "core/files/hash.hpp"
#include "tests/core/command.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

TensorFile example() {
  TensorFile file;
  file.metadata = {{"family", "gaussian"}, {"config", "[rule]\nrho = 1.0\n\"\u03bb\""}};
  file.tensors["natural"] = {{2, 3}, {1.5, -2, 0.1, 1e-300, 3, 4}};
  file.tensors["empty"] = {{0, 7}, {}};
  file.tensors["scalar"] = {{}, {std::numbers::pi}};
  file.tensors["zz"] = {{0}, {}};
  return file;
}

std::string bytes_of(std::uint64_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// A file of this header and data, and the checksum that they deserve.
std::string file_of(const std::string& header, const std::string& data) {
  const std::string text = bytes_of(header.size()) + header + data;
  return text + bytes_of(hash_of(std::as_bytes(std::span(text))));
}

std::string refusal(const std::filesystem::path& path) {
  const std::string sentence = error_of(ExitCode::kFile, [&] { read_tensors(path); });
  return sentence.find(path.string()) == std::string::npos ? "no path in: " + sentence : sentence;
}

TEST(Safetensors, GivesBackWhatItWasGiven) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.safetensors";
  const TensorFile file = example();
  write_tensors(path, file);
  const TensorFile back = read_tensors(path);
  EXPECT_EQ(back.metadata, file.metadata);
  EXPECT_EQ(back.path, path);
  ASSERT_EQ(back.tensors.size(), file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    EXPECT_EQ(back.tensor(name).shape, tensor.shape);
    EXPECT_EQ(back.tensor(name).values, tensor.values);
  }
  EXPECT_EQ(back.text("family"), "gaussian");
}

TEST(Safetensors, KeepsEveryBitOfEveryDouble) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.safetensors";
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> bits(1000);
  for (auto& word : bits) word = random();
  bits.insert(bits.end(), {0, std::uint64_t{1} << 63, 1, 0x7ff0000000000000, 0x7ff8000000000001});
  TensorFile file;
  file.tensors["x"].shape = {bits.size()};
  file.tensors["x"].values.resize(bits.size());
  std::memcpy(file.tensors["x"].values.data(), bits.data(), bits.size() * sizeof(double));
  write_tensors(path, file);
  const TensorFile back = read_tensors(path);
  EXPECT_EQ(std::memcmp(back.tensor("x").values.data(), bits.data(), bits.size() * 8), 0);
}

TEST(Safetensors, TheSameContentIsTheSameBytes) {
  const TemporaryFolder folder;
  write_tensors(folder.path() / "a", example());
  write_tensors(folder.path() / "b", example());
  EXPECT_EQ(TemporaryFolder::read(folder.path() / "a"), TemporaryFolder::read(folder.path() / "b"));
  std::uint64_t header = 0;
  std::memcpy(&header, TemporaryFolder::read(folder.path() / "a").data(), sizeof(header));
  EXPECT_EQ(header % 8, 0u);
}

TEST(Safetensors, PythonReadsItByTheFormatAlone) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.safetensors";
  TensorFile file = example();
  file.metadata = {{"family", "gaussian"}, {"rows", "12"}};
  write_tensors(path, file);
  const auto said =
      testing::run_command("python3 " BAYESUM_TEST_FOLDER "/safetensors_check.py " + path.string());
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.text,
            "family=gaussian\nrows=12\n"
            "checksum U8 [8] ends the file: True\n"
            "empty [0, 7]\n"
            "natural [2, 3] 0x1.8000000000000p+0 -0x1.0000000000000p+1 0x1.999999999999ap-4 "
            "0x1.56e1fc2f8f359p-997 0x1.8000000000000p+1 0x1.0000000000000p+2\n"
            "scalar [] 0x1.921fb54442d18p+1\n"
            "zz [0]\n");
}

TEST(Safetensors, EveryFlippedBitTruncationAndExtensionIsFound) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.safetensors";
  write_tensors(path, example());
  const std::string good = TemporaryFolder::read(path);
  const auto refused = [&](const std::string& bytes) {
    TemporaryFolder::write(path, bytes);
    const std::string sentence = refusal(path);
    return sentence != "no path in: no error" && sentence.find("no path") == std::string::npos;
  };
  std::mt19937 random(2);
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    const std::size_t bit = 8 * byte + random() % 8;
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_TRUE(refused(bad)) << "bit " << bit;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_TRUE(refused(good.substr(0, size))) << "cut to " << size;
  }
  for (const std::string& more : {std::string(1, '\0'), std::string(8, '\0'), good}) {
    EXPECT_TRUE(refused(good + more));
  }
  for (int trial = 0; trial < 300; ++trial) {
    std::string bad = good;
    const std::size_t first = random() % (bad.size() - 8);
    std::swap_ranges(bad.begin() + static_cast<long>(first),
                     bad.begin() + static_cast<long>(first) + 4,
                     bad.begin() + static_cast<long>(first) + 4);
    ASSERT_TRUE(bad == good || refused(bad)) << "swapped at " << first;
  }
  EXPECT_FALSE(refused(good));
}

TEST(Safetensors, NamesWhatIsNotThere) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.safetensors";
  EXPECT_EQ(refusal(path), "cannot read " + path.string() + ": No such file or directory");
  write_tensors(path, example());
  const TensorFile file = read_tensors(path);
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { file.tensor("x"); }),
            path.string() + ": there is no tensor 'x'");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { file.text("y"); }),
            path.string() + ": there is no metadata 'y'");
}

const std::string kGoodTensor = R"("a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]})";
const std::string kGoodChecksum = R"("checksum":{"dtype":"U8","shape":[8],"data_offsets":[8,16]})";

TEST(Safetensors, ReadsAFileMadeByHand) {
  const TemporaryFolder folder;
  const std::string header =
      "{" + kGoodChecksum + R"(, "__metadata__": {"k":"v", "":"w"}, )" + kGoodTensor + "}   ";
  const auto path = folder.file("a", file_of(header, std::string(8, '\0')));
  const TensorFile file = read_tensors(path);
  EXPECT_EQ(file.tensor("a").values, std::vector<double>{0.0});
  EXPECT_EQ(file.text("k"), "v");
}

TEST(Safetensors, RefusesHostileHeadersByName) {
  const std::string a = R"("a":{"dtype":"F64","shape":)";
  const std::string sum = "," + kGoodChecksum + "}";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{" + kGoodTensor + "}", "have 8 bytes, its data 16"},
      {"{" + kGoodTensor + R"(,"b":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}})",
       "there is no tensor 'checksum'"},
      {"{" + a + R"([1],"data_offsets":[8,16]},"checksum":{"dtype":"U8","shape":[8],)" +
           R"("data_offsets":[0,8]}})",
       "'checksum' is not the last"},
      {"{" + a + R"([1],"data_offsets":[8,16]})" + sum, "begins at byte 8 of the data, not at 0"},
      {"{" + kGoodTensor + R"(,"b":{"dtype":"F64","shape":[1],"data_offsets":[0,8]})" + sum,
       "begins at byte 0 of the data, not at 8"},
      {"{" + kGoodTensor + R"(,"b":{"dtype":"F64","shape":[1],"data_offsets":[4,12]})" + sum,
       "begins at byte 4 of the data, not at 8"},
      {"{" + a + R"([1],"data_offsets":[8,0]})" + sum, "does not have a begin and an end"},
      {"{" + a + R"([1],"data_offsets":[0]})" + sum, "does not have a begin and an end"},
      {"{" + a + R"([1],"data_offsets":[-8,0]})" + sum, "a negative number"},
      {"{" + a + R"([1],"data_offsets":[0,8.5]})" + sum, "a fraction"},
      {"{" + a + R"([1],"data_offsets":[0,99999999999999999999999]})" + sum, "a fraction"},
      {"{" + a + R"([1],"data_offsets":[0,18446744073709551615]})" + sum, "size of its shape"},
      {"{" + a + R"([2],"data_offsets":[0,8]})" + sum, "size of its shape"},
      {"{" + a + R"([4294967296,4294967296],"data_offsets":[0,0]})" + sum, "size of its shape"},
      {"{" + a + R"([2305843009213693953],"data_offsets":[0,8]})" + sum, "size of its shape"},
      {"{" + a + R"([1,1,1,1,1,1,1,1,1],"data_offsets":[0,8]})" + sum, "more than 8 numbers"},
      {"{" + a + R"([[1]],"data_offsets":[0,8]})" + sum, "a list in a place"},
      {"{" + a + R"([1]})" + sum, "tensor 'a' has no data_offsets"},
      {R"({"a":{"shape":[1],"data_offsets":[0,8]})" + sum, "tensor 'a' has no dtype"},
      {R"({"a":{"dtype":"F64","data_offsets":[0,8]})" + sum, "tensor 'a' has no shape"},
      {"{" + a + R"([1],"shape":[1],"data_offsets":[0,8]})" + sum, "names a field twice"},
      {"{" + a + R"([1],"color":[1],"data_offsets":[0,8]})" + sum, "an unknown field"},
      {"{" + a + R"(null,"data_offsets":[0,8]})" + sum, "null in a place"},
      {"{" + a + R"(true,"data_offsets":[0,8]})" + sum, "true or false in a place"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})" + sum, "is not of type F64"},
      {R"({"a":{"dtype":"F12","shape":[2],"data_offsets":[0,8]})" + sum, "type F12, which is not"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]})" + sum, "size of its shape"},
      {R"({"a":{"dtype":"U8","shape":[18446744073709551615,2],"data_offsets":[0,8]})" + sum,
       "size of its shape"},
      {"{" + kGoodTensor + R"(,"checksum":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}})",
       "'checksum' is not of type U8 and shape [8]"},
      {R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,8]})" + sum, "a number in a place"},
      {"{" + kGoodTensor + "," + kGoodTensor + sum, "names a tensor twice"},
      {R"({"__metadata__":{"k":"v","k":"w"},)" + kGoodTensor + sum, "names a metadata twice"},
      {R"({"__metadata__":{},"__metadata__":{},)" + kGoodTensor + sum, "names a tensor twice"},
      {R"({"__metadata__":{"k":{}},)" + kGoodTensor + sum, "an object in a place"},
      {R"({"__metadata__":{"k":7},)" + kGoodTensor + sum, "a number in a place"},
      {R"({"__metadata__":"k",)" + kGoodTensor + sum, "text in a place"},
      {R"({"a":[1],)" + kGoodChecksum + "}", "a list in a place"},
      {"{\"a\":" + std::string(1 << 20, '[') + "}", "a list in a place"},
      {"{\"a\":" + std::string(1 << 20, '{') + "}", "is not JSON"},
      {"[" + kGoodTensor + "]", "does not start with '{'"},
      {"", "does not start with '{'"},
      {"{" + kGoodTensor + sum + "x", "is not JSON"},
      {"{" + kGoodTensor, "is not JSON"},
      {"{\"\xff\xfe\":{}}", "is not JSON"},
  };
  const TemporaryFolder folder;
  for (const auto& [header, why] : cases) {
    const auto path = folder.file("a", file_of(header, std::string(8, '\0')));
    const std::string sentence = refusal(path);
    EXPECT_NE(sentence.find(why), std::string::npos)
        << header.substr(0, 200) << "\n  " << sentence.substr(0, 300);
  }
}

TEST(Safetensors, LimitsWhatAHeaderMayAskFor) {
  const TemporaryFolder folder;
  for (const std::uint64_t length :
       {std::uint64_t{9}, std::uint64_t{1} << 25, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    const auto path = folder.file("a", bytes_of(length) + "{}");
    EXPECT_NE(refusal(path).find("its header would have " + std::to_string(length) + " bytes"),
              std::string::npos);
  }
  std::string many = "{";
  std::string metadata = R"({"__metadata__":{)";
  for (int i = 0; i < 5000; ++i) {
    const std::string name = std::to_string(i);
    many.append("\"").append(name);
    many.append(R"(":{"dtype":"F64","shape":[0],"data_offsets":[0,0]},)");
    metadata.append("\"").append(name).append("\":\"\",");
  }
  EXPECT_NE(refusal(folder.file("a", file_of(many + "}", ""))).find("more than 4096 tensors"),
            std::string::npos);
  EXPECT_NE(refusal(folder.file("a", file_of(metadata + "}}", ""))).find("more than 4096 metadata"),
            std::string::npos);
}

TEST(Safetensors, WritesNothingThatItWouldNotRead) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  const auto refused = [&](const TensorFile& file) {
    return error_of(ExitCode::kUsage, [&] { write_tensors(path, file); });
  };
  TensorFile file;
  file.tensors["checksum"] = {{1}, {1}};
  EXPECT_NE(refused(file).find("'checksum' is taken"), std::string::npos);
  file.tensors = {{"a", {{3}, {1}}}};
  EXPECT_NE(refused(file).find("tensor 'a' has 1 values"), std::string::npos);
  file.tensors = {{"a", {std::vector<std::size_t>(9, 1), {1}}}};
  EXPECT_NE(refused(file).find("more than 8 dimensions"), std::string::npos);
  file.tensors = {{"\xff", {{1}, {1}}}};
  EXPECT_NE(refused(file).find("not valid UTF-8"), std::string::npos);
  file.tensors.clear();
  file.metadata["big"] = std::string(20 << 20, 'x');
  EXPECT_NE(refused(file).find("above the limit"), std::string::npos);
  file.metadata.clear();
  for (int i = 0; i < 4096; ++i) file.tensors[std::to_string(i)] = {{0}, {}};
  EXPECT_NE(refused(file).find("more than 4096"), std::string::npos);
  file.tensors.erase("0");
  write_tensors(path, file);
  EXPECT_EQ(read_tensors(path).tensors.size(), 4095u);
}

}  // namespace
}  // namespace bayesum
