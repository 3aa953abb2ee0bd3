#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "core/files/expected_tensors.hpp"
#include "core/files/tensor_reader.hpp"
#include "core/files/tensor_writer.hpp"
#include "tests/core/command.hpp"
#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

const std::vector<TensorType> kEveryType{
    TensorType::kBool, TensorType::kU8,  TensorType::kI8,  TensorType::kU16, TensorType::kI16,
    TensorType::kBf16, TensorType::kF16, TensorType::kU32, TensorType::kI32, TensorType::kF32,
    TensorType::kU64,  TensorType::kI64, TensorType::kF64};

std::string random_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  std::ranges::generate(bytes, [&] { return static_cast<char>(random()); });
  return bytes;
}

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + data;
}

TEST(TensorFiles, EveryTypeGivesBackItsBytes) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  for (const Checksum checksum : {Checksum::kNone, Checksum::kLast}) {
    std::vector<std::string> contents;
    std::vector<TensorView> views;
    for (const TensorType type : kEveryType) {
      contents.push_back(random_bytes(15 * element_bytes(type), 1 + contents.size()));
    }
    for (std::size_t i = 0; i < kEveryType.size(); ++i) {
      views.push_back({"t" + to_string(kEveryType[i]),
                       kEveryType[i],
                       {3, 5},
                       std::as_bytes(std::span(contents[i]))});
    }
    write_tensors(path, {{"format", "pt"}}, views, checksum);
    const TensorReader file(path, checksum);
    EXPECT_EQ(file.text("format"), "pt");
    ASSERT_EQ(file.entries().size(), kEveryType.size());
    for (std::size_t i = 0; i < views.size(); ++i) {
      const TensorEntry& entry = file.entry(views[i].name);
      EXPECT_EQ(entry.type, kEveryType[i]);
      EXPECT_EQ(entry.first % element_bytes(entry.type), 0u) << entry.name;
      EXPECT_EQ(entry.shape, (std::vector<std::size_t>{3, 5}));
      std::string back(entry.bytes(), '?');
      file.read(entry, 0, std::as_writable_bytes(std::span(back)));
      EXPECT_EQ(back, contents[i]) << entry.name;
    }
  }
}

TEST(TensorFiles, PythonReadsTheTypesByTheFormatAlone) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.safetensors";
  const std::vector<float> f32{1.5f, -0.1f};
  const std::vector<std::uint16_t> f16{0x3c01, 0xfbff};
  const std::vector<std::uint16_t> bf16{0x3f80, 0xc2f7};
  const std::vector<std::int64_t> i64{-5, std::int64_t{1} << 40};
  const std::vector<std::int32_t> i32{7, -8};
  const std::vector<std::uint8_t> u8{0, 255};
  write_tensors(path, {},
                {{"u8", TensorType::kU8, {2}, bytes_of(u8)},
                 {"f32", TensorType::kF32, {2, 1}, bytes_of(f32)},
                 {"bf16", TensorType::kBf16, {2}, bytes_of(bf16)},
                 {"f16", TensorType::kF16, {1, 2}, bytes_of(f16)},
                 {"i32", TensorType::kI32, {2}, bytes_of(i32)},
                 {"i64", TensorType::kI64, {2}, bytes_of(i64)}},
                Checksum::kNone);
  const auto said =
      testing::run_command("python3 " BAYESUM_TEST_FOLDER "/safetensors_check.py " + path.string());
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.text,
            "bf16 BF16 [2] 0x1.0000000000000p+0 -0x1.ee00000000000p+6\n"
            "f16 F16 [1, 2] 0x1.0040000000000p+0 -0x1.ffc0000000000p+15\n"
            "f32 F32 [2, 1] 0x1.8000000000000p+0 -0x1.99999a0000000p-4\n"
            "i32 I32 [2] 7 -8\n"
            "i64 I64 [2] -5 1099511627776\n"
            "u8 U8 [2] 0 255\n");
}

TEST(TensorFiles, OpenInThePackageSafetensors) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.safetensors";
  const std::vector<double> f64{0.1};
  const std::vector<float> f32{1.5f, -2};
  const std::vector<std::uint16_t> f16{0x3c00};
  const std::vector<std::int64_t> i64{-5};
  const std::vector<std::uint8_t> u8{0, 255, 7};
  for (const Checksum checksum : {Checksum::kNone, Checksum::kLast}) {
    write_tensors(path, {{"format", "np"}},
                  {{"u8", TensorType::kU8, {3}, bytes_of(u8)},
                   {"f32", TensorType::kF32, {2, 1}, bytes_of(f32)},
                   {"f16", TensorType::kF16, {}, bytes_of(f16)},
                   {"f64", TensorType::kF64, {1}, bytes_of(f64)},
                   {"i64", TensorType::kI64, {1, 1}, bytes_of(i64)}},
                  checksum);
    const auto said = testing::run_command("python3 " BAYESUM_TEST_FOLDER "/safetensors_open.py " +
                                           path.string());
    if (said.status == 77) GTEST_SKIP() << "a package is not here: " << said.text;
    EXPECT_EQ(said.status, 0);
    EXPECT_EQ(said.text,
              "f16 float16 () 1.0\nf32 float32 (2, 1) [[1.5], [-2.0]]\nf64 float64 (1,) [0.1]\n"
              "i64 int64 (1, 1) [[-5]]\nu8 uint8 (3,) [0, 255, 7]\n");
  }
}

// IEEE 754, 3.4: value = (-1)^s 2^(e - bias) (1 + fraction), subnormal below.
double value_of(std::uint16_t bits, int exponent_bits) {
  const int fraction_bits = 15 - exponent_bits;
  const int largest = (1 << exponent_bits) - 1;
  const int bias = largest / 2;
  const int exponent = bits >> fraction_bits & largest;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const double sign = bits >> 15 != 0 ? -1 : 1;
  if (exponent == largest) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
}

TEST(TensorFiles, EveryHalfIsTheFloatOfItsValue) {
  std::vector<std::uint16_t> bits(1 << 16);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
  for (const auto& [type, exponent_bits] :
       {std::pair{TensorType::kF16, 5}, std::pair{TensorType::kBf16, 8}}) {
    std::vector<float> floats(bits.size());
    to_floats(type, bytes_of(bits), floats);
    for (std::size_t i = 0; i < bits.size(); ++i) {
      const double value = value_of(bits[i], exponent_bits);
      ASSERT_EQ(std::isnan(floats[i]), std::isnan(value)) << i;
      ASSERT_EQ(std::signbit(floats[i]), bits[i] >> 15 != 0) << i;
      if (std::isnan(value)) continue;
      ASSERT_EQ(static_cast<double>(floats[i]), value) << i;
    }
  }
}

TEST(TensorFiles, DoublesAreRoundedToTheNearestFloat) {
  const std::vector<double> doubles{0.1, 1 + 0x1p-24, 1 + 0x1.8p-23, -1e300, 0x1p-150, -0.0};
  std::vector<float> floats(doubles.size());
  to_floats(TensorType::kF64, bytes_of(doubles), floats);
  EXPECT_EQ(floats, (std::vector<float>{0x1.99999ap-4f, 1, 1 + 0x1p-22f,
                                        -std::numeric_limits<float>::infinity(), 0, -0.0f}));
  EXPECT_TRUE(std::signbit(floats.back()));
  EXPECT_EQ(
      error_of(ExitCode::kUsage, [&] { to_floats(TensorType::kI64, bytes_of(doubles), floats); }),
      "elements of type I64 are not floating-point numbers");
}

TEST(TensorFiles, PiecesOfATensorAreThoseOfTheWhole) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  std::vector<double> doubles(300'001);
  std::vector<std::uint16_t> halves(1'300'001);
  std::mt19937_64 random(3);
  for (double& value : doubles) value = static_cast<double>(random()) * 0x1p-64 - 0.5;
  for (std::uint16_t& value : halves) value = static_cast<std::uint16_t>(random() % 0x7c00);
  write_tensors(path, {},
                {{"halves", TensorType::kF16, {halves.size()}, bytes_of(halves)},
                 {"doubles", TensorType::kF64, {doubles.size()}, bytes_of(doubles)}},
                Checksum::kLast);
  const TensorReader file(path, Checksum::kLast);
  const auto all = file.floats("halves");
  const auto narrowed = file.floats("doubles");
  for (std::size_t i = 0; i < halves.size(); ++i) ASSERT_EQ(all[i], value_of(halves[i], 5));
  for (std::size_t i = 0; i < doubles.size(); ++i) {
    ASSERT_EQ(narrowed[i], static_cast<float>(doubles[i]));
  }
  std::vector<float> piece(700'000);
  file.read(file.entry("halves"), 12'345, std::span(piece));
  EXPECT_TRUE(std::equal(piece.begin(), piece.end(), all.begin() + 12'345));
  EXPECT_NE(error_of(ExitCode::kUsage,
                     [&] { file.read(file.entry("halves"), 700'000, std::span(piece)); })
                .find("tensor 'halves' has 2600002 bytes"),
            std::string::npos);
}

TEST(TensorFiles, WholeNumbersAreReadAsSuchAndNotAsFloats) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  const std::vector<std::int64_t> i64{-5, std::int64_t{1} << 40};
  const std::vector<std::int32_t> i32{7, -8};
  const std::vector<std::uint8_t> u8{0, 255};
  const std::vector<float> f32{1};
  write_tensors(path, {},
                {{"i64", TensorType::kI64, {2}, bytes_of(i64)},
                 {"i32", TensorType::kI32, {2}, bytes_of(i32)},
                 {"f32", TensorType::kF32, {}, bytes_of(f32)},
                 {"u8", TensorType::kU8, {2}, bytes_of(u8)}},
                Checksum::kNone);
  const TensorReader file(path, Checksum::kNone);
  EXPECT_EQ(file.integers("i64"), i64);
  EXPECT_EQ(file.integers("i32"), (std::vector<std::int64_t>{7, -8}));
  EXPECT_EQ(file.integers("u8"), (std::vector<std::int64_t>{0, 255}));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { file.floats("i32"); }),
            path.string() + ": tensor 'i32' is of type I32, not floating-point numbers");
  EXPECT_EQ(
      error_of(ExitCode::kFile, [&] { file.integers("f32"); }),
      path.string() + ": tensor 'f32' is of type F32, not whole numbers of type I64, I32 or U8");
}

TEST(TensorFiles, FilesOfOthersHaveNoChecksum) {
  const TemporaryFolder folder;
  const std::string tensor = R"("w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]})";
  const std::string data(8, '\0');
  for (const std::string metadata : {R"("__metadata__":{"format":"pt"},)", R"()"}) {
    for (const std::string padding : {"", " ", "     "}) {
      const auto path = folder.file("a", file_of("{" + metadata + tensor + "}" + padding, data));
      const TensorReader file(path, Checksum::kNone);
      EXPECT_EQ(file.floats("w"), (std::vector<float>{0, 0}));
      EXPECT_EQ(file.metadata().size(), metadata.empty() ? 0u : 1u);
      EXPECT_EQ(error_of(ExitCode::kFile, [&] { TensorReader(path, Checksum::kLast); }),
                path.string() + ": there is no tensor 'checksum'");
    }
  }
}

TEST(TensorFiles, FilesOfOthersMustAddUpToo) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& header, std::size_t bytes) {
    const auto path = folder.file("a", file_of(header, std::string(bytes, '\0')));
    return error_of(ExitCode::kFile, [&] { TensorReader(path, Checksum::kNone); });
  };
  const std::string a = R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]})";
  EXPECT_EQ(refusal(a + "}", 4), "no error");
  EXPECT_NE(refusal(a + "}", 3).find("have 4 bytes, its data 3"), std::string::npos);
  EXPECT_NE(refusal(a + "}", 5).find("have 4 bytes, its data 5"), std::string::npos);
  EXPECT_NE(refusal(a + R"(,"b":{"dtype":"I8","shape":[2],"data_offsets":[3,5]}})", 5)
                .find("begins at byte 3 of the data, not at 4"),
            std::string::npos);
  EXPECT_NE(refusal(a + R"(,"b":{"dtype":"I8","shape":[2],"data_offsets":[5,7]}})", 7)
                .find("begins at byte 5 of the data, not at 4"),
            std::string::npos);
}

TEST(TensorFiles, AWriterTakesBytesCutAnywhereAndLeavesNothingUndone) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  const std::vector<TensorEntry> entries{{"x", TensorType::kF32, {5}},
                                         {"y", TensorType::kF16, {3}}};
  const std::string data = random_bytes(26, 1);
  const auto bytes = std::as_bytes(std::span(data));
  const auto views = std::vector<TensorView>{{"x", TensorType::kF32, {5}, bytes.first(20)},
                                             {"y", TensorType::kF16, {3}, bytes.subspan(20)}};
  write_tensors(path, {}, views, Checksum::kLast);
  const std::string whole = TemporaryFolder::read(path);
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    TensorWriter file(path, {}, entries, Checksum::kLast);
    file.write(bytes.first(cut));
    file.write(bytes.subspan(cut));
    file.commit();
    ASSERT_EQ(TemporaryFolder::read(path), whole) << cut;
  }
  {
    TensorWriter file(path, {}, entries, Checksum::kLast);
    file.write(bytes.first(25));
    EXPECT_NE(error_of(ExitCode::kUsage, [&] { file.commit(); }).find("1 bytes of its tensors"),
              std::string::npos);
    EXPECT_NE(error_of(ExitCode::kUsage, [&] { file.write(bytes.first(2)); }).find("more bytes"),
              std::string::npos);
  }
  EXPECT_EQ(TemporaryFolder::read(path), whole);
  const std::filesystem::directory_iterator files(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
  EXPECT_NE(error_of(ExitCode::kUsage,
                     [&] {
                       TensorWriter(path, {}, {entries[1], entries[0]}, Checksum::kNone);
                     })
                .find("tensor 'x' would not be aligned"),
            std::string::npos);
}

// The peak of this process's memory, in MiB.
std::int64_t peak_memory() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss >> 10;
}

TEST(TensorFiles, WritingAndReadingTakeNoMemoryOfTheirOwn) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a";
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<float> values(std::size_t{24} << 20, 0.25f);
    const std::int64_t before = peak_memory();
    write_tensors(path, {}, {{"w", TensorType::kF32, {values.size()}, bytes_of(values)}},
                  Checksum::kLast);
    const TensorReader file(path, Checksum::kLast);
    file.read(file.entry("w"), 0, std::span(values));
    ::_exit(static_cast<int>(std::clamp<std::int64_t>(peak_memory() - before, 0, 100)));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_LT(WEXITSTATUS(status), 16) << "MiB more, for 96 MiB of values";
  EXPECT_GT(std::filesystem::file_size(path), std::uintmax_t{96} << 20);
}

TEST(TensorFiles, EveryTensorThatIsWrongIsNamedAtOnce) {
  const std::vector<TensorEntry> found{{"a", TensorType::kF32, {2, 3}},
                                       {"b", TensorType::kF16, {4}},
                                       {"c", TensorType::kI32, {1}},
                                       {"e", TensorType::kF32, {}},
                                       {"f", TensorType::kF32, {}}};
  const std::vector<ExpectedTensor> expected{{"a", {3, 2}}, {"b", {4}},  {"c", {1}},
                                             {"d", {5}},    {"dd", {5}}, {"g", {}}};
  const std::string lists =
      "x: tensors are missing: d, dd, g; tensors do not belong: e, f; tensors have another shape: "
      "a [2, 3] where [3, 2] belongs; ";
  const auto refusal = [&](std::optional<TensorType> type) {
    return error_of(ExitCode::kFile, [&] { expect_tensors("x", found, expected, type); });
  };
  EXPECT_EQ(refusal(std::nullopt), lists + "tensors are not of a floating-point type: c I32");
  EXPECT_EQ(refusal(TensorType::kF32), lists + "tensors are not of type F32: b F16, c I32");
  EXPECT_NO_THROW(expect_tensors("x", {found[0]}, {{"a", {2, 3}}}, TensorType::kF32));
}

}  // namespace
}  // namespace bayesum
