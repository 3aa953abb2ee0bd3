#include "core/files/byte_file.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <vector>

#include "tests/core/files.hpp"
#include "tests/core/packed.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::gzipped;
using testing::TemporaryFolder;

std::string some_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string content(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    // Runs that pack well, between noise that does not.
    content[i] = i % 3000 < 1000 ? static_cast<char>(random()) : "0123456789,\n"[random() % 12];
  }
  return content;
}

std::string read(ByteReader& reader, std::size_t first, std::size_t size) {
  std::string out(size, '\0');
  reader.read(first, std::as_writable_bytes(std::span(out)));
  return out;
}

void expect_reads_anywhere(const std::filesystem::path& path, const std::string& content) {
  const ByteFile file(path);
  ASSERT_EQ(file.size(), content.size());
  ByteReader reader(file);
  EXPECT_TRUE(read(reader, 0, content.size()) == content);
  std::mt19937 random(7);
  std::size_t next = 0;
  for (int trial = 0; trial < 30; ++trial) {
    // Sometimes on from the last read, sometimes elsewhere, forwards or backwards.
    const std::size_t first = trial % 3 == 0 ? next : random() % (content.size() + 1);
    const std::size_t most = std::min<std::size_t>(content.size() - first, 300000);
    const std::size_t size = random() % (most + 1);
    EXPECT_TRUE(read(reader, first, size) == content.substr(first, size)) << first << " " << size;
    next = first + size;
  }
}

TEST(ByteFile, ReadsPackedBytesAtAnyPlace) {
  const TemporaryFolder folder;
  const std::string content = some_bytes(std::size_t{7} << 20, 1);  // several points of the index
  for (const int level : {0, 1, 9}) {
    SCOPED_TRACE(level);
    expect_reads_anywhere(folder.file("a", gzipped(content, level)), content);
  }
  expect_reads_anywhere(folder.file("a", content), content);
}

TEST(ByteFile, ReadsManyMembers) {
  const TemporaryFolder folder;
  const std::string content = some_bytes(std::size_t{6} << 20, 2);
  for (const std::size_t size : {std::size_t{65280}, std::size_t{5} << 20, content.size()}) {
    std::string packed = gzipped("");
    for (std::size_t at = 0; at < content.size(); at += size) {
      packed += gzipped(content.substr(at, size)) + gzipped("");
    }
    expect_reads_anywhere(folder.file("a", packed), content);
  }
  EXPECT_EQ(ByteFile(folder.file("a", gzipped(""))).size(), 0u);
}

TEST(ByteFile, EveryTruncationIsNoticed) {
  const TemporaryFolder folder;
  const std::string packed = gzipped(some_bytes(600, 3)) + gzipped("the end");
  const std::size_t whole_member = gzipped(some_bytes(600, 3)).size();
  for (std::size_t size = 2; size < packed.size(); ++size) {
    if (size == whole_member) continue;
    const std::string path = folder.file("a", packed.substr(0, size));
    EXPECT_EQ(error_of(ExitCode::kFile, [&] { ByteFile{path}; }),
              path + " is no whole gzip file: it ends at byte " + std::to_string(size) +
                  " within packed data");
  }
}

// But for the header's time, flags and system, which mean nothing here.
TEST(ByteFile, EveryFlippedBitIsNoticed) {
  const TemporaryFolder folder;
  const std::string packed = gzipped(some_bytes(500, 4));
  for (std::size_t byte = 10; byte < packed.size(); ++byte) {
    std::string other = packed;
    other[byte] = static_cast<char>(other[byte] ^ (1 << byte % 8));
    const std::string path = folder.file("a", other);
    const std::string told = error_of(ExitCode::kFile, [&] { ByteFile{path}; });
    EXPECT_EQ(told.find(path + " is no whole gzip file: "), 0u) << byte << ": " << told;
  }
  const std::string path = folder.file("a", packed + "more");
  EXPECT_NE(error_of(ExitCode::kFile, [&] { ByteFile{path}; }).find("incorrect header"),
            std::string::npos);
}

// As tapes and some tools leave it: gzip -t takes that too.
TEST(ByteFile, ZerosMayFollowTheLastMember) {
  const TemporaryFolder folder;
  const std::string content = some_bytes(std::size_t{5} << 20, 6);
  const std::string packed = gzipped(content.substr(0, 70000)) + gzipped(content.substr(70000));
  for (const std::size_t zeros : {1, 7, 512, 1 << 20}) {
    expect_reads_anywhere(folder.file("a", packed + std::string(zeros, '\0')), content);
  }
  const std::string at = std::to_string(packed.size());
  for (const std::string& more : {std::string("x"), gzipped("more"), std::string("\0x", 2)}) {
    for (const std::size_t zeros : {1, 512, 1 << 20}) {
      const std::string path = folder.file("a", packed + std::string(zeros, '\0') + more);
      const std::size_t all = zeros + (more[0] == '\0' ? 1 : 0);
      EXPECT_EQ(error_of(ExitCode::kFile, [&] { ByteFile{path}; }),
                path + " is no whole gzip file: the " + std::to_string(all) +
                    " zero bytes from byte " + at + " on are followed by others");
    }
  }
}

TEST(ByteFile, NoticesThatTheFileChanged) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.file("a", gzipped(some_bytes(100000, 5)));
  const ByteFile file(path);
  folder.file("a", gzipped(some_bytes(100000, 5)) + " ");
  EXPECT_NE(error_of(ExitCode::kFile, [&] { ByteReader{file}; }).find("changed its size"),
            std::string::npos);
  folder.file("a", gzipped(some_bytes(100000, 5)));
  const ByteFile again(path);
  std::filesystem::last_write_time(
      path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { ByteReader{again}; }),
            path.string() + " has changed since it was opened");
}

// Its bytes are of one file, though another is written in its place between two reads.
TEST(ByteFile, NoticesThatTheFileChangesWhileItIsRead) {
  const TemporaryFolder folder;
  const std::string content = some_bytes(100000, 5);
  for (const bool packed : {false, true}) {
    for (const std::size_t size : {100000, 50000}) {
      const std::filesystem::path path = folder.file("a", packed ? gzipped(content) : content);
      std::filesystem::last_write_time(
          path, std::filesystem::last_write_time(path) - std::chrono::seconds(1));
      const ByteFile file(path);
      ByteReader reader(file);
      std::vector<std::byte> bytes(1000);
      if (!packed) reader.read(0, bytes);
      const std::string other = some_bytes(size, 6);
      folder.file("a", packed ? gzipped(other) : other);
      const std::string error = error_of(ExitCode::kFile, [&] { reader.read(0, bytes); });
      EXPECT_NE(error.find("since it was opened"), std::string::npos) << error;
    }
  }
}

}  // namespace
}  // namespace bayesum
