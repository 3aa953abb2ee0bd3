#include "core/examples/token_examples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;
using testing::TemporaryFolder;
using Ints = std::vector<std::int32_t>;

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string header(std::int32_t magic, std::int32_t version, std::int32_t count) {
  Ints words(256);
  words[0] = magic;
  words[1] = version;
  words[2] = count;
  return raw(words);
}

// Token i is i, so that a window tells where it is from.
std::vector<std::uint16_t> counting(std::size_t n) {
  std::vector<std::uint16_t> tokens(n);
  std::iota(tokens.begin(), tokens.end(), std::uint16_t{0});
  return tokens;
}

Ints read(const TokenFile& file, std::uint64_t first, std::size_t count) {
  Ints tokens(count, -9);
  file.read(first, tokens);
  return tokens;
}

TEST(TokenFile, TellsItsFormatsApart) {
  const TemporaryFolder folder;
  const std::vector<std::uint16_t> narrow{7, 0, 65535, 20};
  const std::vector<std::uint32_t> wide{7, 0, 128255, 20};
  const TokenFile nano(folder.file("nano.bin", raw(narrow)), 65536);
  const TokenFile llmc(folder.file("llmc.bin", header(20240520, 1, 4) + raw(narrow)), 65536);
  const TokenFile llama(folder.file("llama.bin", header(20240801, 7, 4) + raw(wide)), 128256);
  EXPECT_EQ(read(nano, 0, 4), (Ints{7, 0, 65535, 20}));
  EXPECT_EQ(read(llmc, 0, 4), (Ints{7, 0, 65535, 20}));
  EXPECT_EQ(read(llama, 1, 3), (Ints{0, 128255, 20}));
  EXPECT_EQ(nano.size(), 4u);
  EXPECT_EQ(llama.size(), 4u);
  const TokenFile part(llama, 1, 3);
  EXPECT_EQ(read(part, 1, 1), (Ints{128255}));
  EXPECT_EQ(part.size(), 2u);
}

TEST(TokenFile, RefusesWhatItsHeaderDoesNotSay) {
  const TemporaryFolder folder;
  const std::string two = raw(std::vector<std::uint16_t>{1, 2});
  const std::vector<std::pair<std::string, std::string>> cases{
      {"abc", "its 3 bytes are not whole tokens of 2 bytes"},
      {header(20240520, 2, 2) + two, "version 2 of magic number 20240520 is not known, only 1"},
      {header(20240801, 1, 2) + two, "version 1 of magic number 20240801 is not known, only 7"},
      {header(20240520, 1, 3) + two, "its header counts 3 tokens, but it has 2"},
      {header(20240520, 1, -1) + two, "its header counts -1 tokens, but it has 2"},
      {header(20240520, 1, 2) + two + "x",
       "its 1029 bytes are not a header of 1024 bytes and whole tokens of 2 bytes"},
      {header(20240801, 7, 1) + two + two.substr(0, 2),
       "its 1030 bytes are not a header of 1024 bytes and whole tokens of 4 bytes"},
      {header(20240520, 1, 2).substr(0, 100),
       "its 100 bytes are not a header of 1024 bytes and whole tokens of 2 bytes"},
  };
  for (const auto& [bytes, why] : cases) {
    const std::string path = folder.file("t.bin", bytes);
    const std::string told = error_of(ExitCode::kFile, [&] { TokenFile(path, 50257); });
    EXPECT_EQ(told, path + ": " + why);
  }
}

TEST(TokenFile, NamesTheTokenThatIsNotOfTheVocabulary) {
  const TemporaryFolder folder;
  const std::string path = folder.file("t.bin", raw(std::vector<std::uint16_t>{1, 2, 50257, 3}));
  const TokenFile file(path, 50257);
  EXPECT_EQ(read(file, 0, 2), (Ints{1, 2}));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read(TokenFile(file, 1, 4), 0, 3); }),
            path + ": token 50257 at position 2 is not of the vocabulary, which has 50257");
}

TEST(TokenFile, NoticesThatTheFileShrank) {
  const TemporaryFolder folder;
  const std::string path = folder.file("t.bin", raw(counting(100)));
  const TokenFile file(path, 100);
  std::filesystem::resize_file(path, 100);
  for (const std::size_t first : {0, 40}) {
    EXPECT_EQ(error_of(ExitCode::kFile, [&] { read(file, first, 20); }),
              path + " changed its size from 200 to 100 bytes since it was opened");
  }
}

TEST(TokenFile, ReadsATextThroughATokenizer) {
  const TemporaryFolder folder;
  const auto abc = make_tokenizer("characters", {"abc"});
  const TokenFile file(folder.file("t.txt", "cabba"), *abc);
  EXPECT_EQ(read(file, 0, 5), (Ints{2, 0, 1, 1, 0}));
  EXPECT_EQ(file.vocabulary(), 3u);
  const std::string path = folder.file("u.txt", "abxc");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { TokenFile(path, *abc); }),
            path + ":1: the character 'x' (U+0078) is not one of the 3 of the tokenizer");
}

TEST(TokenFile, FingerprintsTellFilesApart) {
  const TemporaryFolder folder;
  std::vector<std::uint16_t> tokens(6'000'000);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<std::uint16_t>(i * 31);
  const auto print = [&](const std::string& name) {
    return TokenFile(folder.file(name, raw(tokens)), 65536).fingerprint();
  };
  const std::uint64_t before = print("a.bin");
  EXPECT_EQ(print("b.bin"), before);
  std::set<std::uint64_t> seen{before};
  for (const std::size_t place : {std::size_t{0}, tokens.size() - 1}) {
    tokens[place] ^= 1;
    EXPECT_TRUE(seen.insert(print("c.bin")).second) << place;
  }
  tokens.pop_back();
  EXPECT_TRUE(seen.insert(print("d.bin")).second);
  const TokenFile whole(folder.file("e.bin", raw(counting(1000))), 65536);
  EXPECT_NE(TokenFile(whole, 0, 900).fingerprint(), whole.fingerprint());
  EXPECT_NE(TokenFile(whole, 0, 900).fingerprint(), TokenFile(whole, 100, 1000).fingerprint());
}

struct Batch {
  Ints tokens, targets;
  ExampleBuffers buffers() { return {.tokens = tokens, .targets = targets}; }
};

Batch fetch(const Examples& examples, const std::vector<ExampleId>& ids) {
  const std::size_t size = ids.size() * examples.shape().context;
  Batch batch{Ints(size, -9), Ints(size, -9)};
  examples.fetch(ids, batch.buffers());
  return batch;
}

// Of every file and window: an epoch's windows do not overlap, a target is the token after its
// token, fewer than 2 T tokens at the ends are left out, and offsets reach every residue.
TEST(TokenExamples, AnEpochCoversEveryWindowOnce) {
  const TemporaryFolder folder;
  for (const std::size_t n : {5, 6, 7, 8, 9, 16, 17, 100, 1003}) {
    const TokenFile file(folder.file("t.bin", raw(counting(n))), 65536);
    for (const std::size_t context : {1, 2, 3, 4}) {
      const TokenExamples examples(file, context, 5);
      const ExampleOrder order(examples.size(), {.rows = static_cast<std::size_t>(examples.size())},
                               5);
      std::set<std::size_t> offsets;
      for (std::uint64_t epoch = 0; epoch < 60; ++epoch) {
        const Batch batch = fetch(examples, order.of({epoch, 0, 0}));
        std::vector<int> met(n);
        for (std::size_t i = 0; i < batch.tokens.size(); ++i) {
          ASSERT_EQ(batch.targets[i], batch.tokens[i] + 1);
          ++met[static_cast<std::size_t>(batch.targets[i])];
        }
        const auto first = std::find(met.begin(), met.end(), 1);
        const auto count = static_cast<std::size_t>(std::count(met.begin(), met.end(), 1));
        ASSERT_EQ(count, examples.size() * context);
        ASSERT_TRUE(std::all_of(first, first + static_cast<std::ptrdiff_t>(count),
                                [](int times) { return times == 1; }));
        ASSERT_LT(n - 1 - count, 2 * context);
        offsets.insert(static_cast<std::size_t>(first - met.begin()) % context);
      }
      if (n >= 2 * context) {
        EXPECT_EQ(offsets.size(), context) << n << " " << context;
      }
    }
  }
}

TEST(TokenExamples, AStepIsAPureFunctionOfSeedAndStep) {
  const TemporaryFolder folder;
  const TokenFile file(folder.file("t.bin", raw(counting(5000))), 65536);
  const auto step_of = [&](std::uint64_t seed, std::uint64_t step) {
    const TokenExamples examples(file, 8, seed);
    const ExampleOrder order(examples.size(), {2, 2, 4}, seed);
    Ints all;
    for (std::size_t shard = 0; shard < 2; ++shard) {
      for (std::size_t micro = 0; micro < 2; ++micro) {
        const Batch batch = fetch(examples, order.of({step, shard, micro}));
        all.insert(all.end(), batch.tokens.begin(), batch.tokens.end());
      }
    }
    return all;
  };
  std::vector<Ints> run;
  for (std::uint64_t step = 0; step < 100; ++step) run.push_back(step_of(1, step));
  for (const std::uint64_t step : {99u, 50u, 0u, 38u}) EXPECT_EQ(step_of(1, step), run[step]);
  EXPECT_NE(step_of(2, 0), run[0]);
  EXPECT_EQ(std::set<Ints>(run.begin(), run.end()).size(), run.size());
}

TEST(TokenExamples, InOrderEveryTokenButTheFirstIsATargetOnce) {
  const TemporaryFolder folder;
  for (const std::size_t n : {5, 8, 9, 10, 101}) {
    const TokenExamples examples(TokenFile(folder.file("t.bin", raw(counting(n))), 65536), 4, 1);
    const auto windows = static_cast<std::size_t>(examples.size_in_order());
    Batch batch{Ints(4 * windows), Ints(4 * windows)};
    const ExampleBuffers out = batch.buffers();
    for (std::size_t first = 0; first < windows; ++first) {
      examples.fetch_in_order(first, 1,
                              {.tokens = out.tokens.subspan(4 * first, 4),
                               .targets = out.targets.subspan(4 * first, 4)});
    }
    for (std::size_t i = 0; i < 4 * windows; ++i) {
      const bool is_there = i + 1 < n;
      EXPECT_EQ(batch.targets[i], is_there ? static_cast<std::int32_t>(i + 1) : kNoTarget);
      EXPECT_EQ(batch.tokens[i], is_there ? static_cast<std::int32_t>(i) : 0);
    }
    EXPECT_LT(4 * windows, n - 1 + 4);
    Batch whole{Ints(4 * windows), Ints(4 * windows)};
    examples.fetch_in_order(0, windows, whole.buffers());
    EXPECT_EQ(whole.targets, batch.targets);
    EXPECT_NE(
        error_of(ExitCode::kUsage, [&] { examples.fetch_in_order(1, windows, whole.buffers()); }),
        "no error");
  }
}

TEST(TokenExamples, RefusesWhatIsShorterThanAWindow) {
  const TemporaryFolder folder;
  const std::string path = folder.file("t.bin", raw(counting(4)));
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { TokenExamples(TokenFile(path, 9), 4, 1); }),
            path + ": 4 tokens are fewer than the 5 of one window and the token after it");
  const TokenExamples examples(TokenFile(path, 9), 3, 1);
  EXPECT_EQ(examples.size(), 1u);
  Batch small{Ints(3), Ints(2)};
  const std::vector<ExampleId> ids{{0, 0}};
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { examples.fetch(ids, small.buffers()); }),
            "the buffer of targets holds 2 numbers where the examples have 3");
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { fetch(examples, {{0, 1}}); }), "no error");
}

}  // namespace
}  // namespace bayesum
