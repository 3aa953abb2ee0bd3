#include "core/examples/tokenizer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "core/examples/bpe.hpp"
#include "core/examples/words.hpp"
#include "tests/core/bpe_files.hpp"
#include "tests/core/files.hpp"
#include "tests/core/packed.hpp"

namespace bayesum {
namespace {

using testing::bpe_files;
using testing::error_of;
using testing::some_merges;
using testing::TemporaryFolder;
using testing::written_bytes;
using Tokens = std::vector<std::uint32_t>;
using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  Words words;
  while (!text.empty()) {
    const std::size_t bytes = next_word(text);
    words.emplace_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return words;
}

Tokens encoded(const Tokenizer& tokenizer, std::string_view text) {
  Tokens tokens;
  EXPECT_EQ(tokenizer.encode(text, tokens), text.size());
  return tokens;
}

// What Python's regex.findall says of GPT-2's pattern (package regex 2026.11.15).
TEST(Words, AreThoseOfGpt2sPattern) {
  const std::vector<std::pair<std::string, Words>> cases{
      {"Hello world", {"Hello", " world"}},
      {"I'll say it's we've, they're I'm he'd don't",
       {"I", "'ll", " say", " it", "'s", " we", "'ve", ",", " they", "'re", " I", "'m", " he", "'d",
        " don", "'t"}},
      {"  two  blanks ", {" ", " two", " ", " blanks", " "}},
      {"a\n\nb \n c", {"a", "\n", "\n", "b", " \n", " c"}},
      {"x1 23y !? 'sx''s", {"x", "1", " 23", "y", " !?", " '", "sx", "''", "s"}},
      {"caf\xc3\xa9 \xc3\x89tat", {"caf\xc3\xa9", " \xc3\x89tat"}},
      {"\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96",
       {"\xe4\xbd\xa0\xe5\xa5\xbd", "\xef\xbc\x8c", "\xe4\xb8\x96"}},
      {"\xd9\xa1\xd9\xa2\xd9\xa3 \xc2\xbd\xe2\x85\xa7",
       {"\xd9\xa1\xd9\xa2\xd9\xa3", " \xc2\xbd\xe2\x85\xa7"}},
      {"a\xc2\xa0\xc2\xa0"
       "b",
       {"a", "\xc2\xa0", "\xc2\xa0", "b"}},
      {"e\xcc\x81", {"e", "\xcc\x81"}},
      {"'S'T", {"'", "S", "'", "T"}},
      {"\t\tx", {"\t", "\t", "x"}},
  };
  for (const auto& [text, words] : cases) EXPECT_EQ(words_of(text), words) << text;
}

// On ASCII the pattern is one of ECMAScript, with \p{L} and \p{N} written out; \s+(?!\S) takes what
// it does there too.
TEST(Words, AgreeWithARegularExpressionOnAscii) {
  const std::regex pattern(
      "'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\\sA-Za-z0-9]+|\\s+(?!\\S)|\\s+");
  std::mt19937 random(1);
  const std::string alphabet = "aZsty'''lve  \n\t\r09.!";
  for (int round = 0; round < 3000; ++round) {
    std::string text(1 + random() % 24, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    const Words expected(std::sregex_token_iterator(text.begin(), text.end(), pattern),
                         std::sregex_token_iterator());
    ASSERT_EQ(words_of(text), expected) << ::testing::PrintToString(text);
  }
}

TEST(Words, TileAnyBytes) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string text(1 + random() % 30, '\0');
    for (char& c : text) c = static_cast<char>(random());
    std::string joined;
    for (const std::string& word : words_of(text)) joined += word;
    ASSERT_EQ(joined, text);
  }
}

// GPT-2's bpe() as it is defined: over and over the pair of lowest rank, all of its occurrences
// from the left, on lists of strings.
Words naive_bpe(const std::string& word, const std::vector<std::string>& merges) {
  Words parts;
  for (const unsigned char byte : word) parts.push_back(written_bytes()[byte]);
  while (parts.size() > 1) {
    std::size_t best = merges.size();
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = std::ranges::find(merges, parts[i] + " " + parts[i + 1]);
      best = std::min(best, static_cast<std::size_t>(found - merges.begin()));
    }
    if (best == merges.size()) break;
    Words merged;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i + 1 < parts.size() && parts[i] + " " + parts[i + 1] == merges[best]) {
        merged.push_back(parts[i] + parts[i + 1]);
        ++i;
      } else {
        merged.push_back(parts[i]);
      }
    }
    parts = merged;
  }
  return parts;
}

std::map<std::string, std::uint32_t> numbers_of(const std::vector<std::string>& merges) {
  std::map<std::string, std::uint32_t> numbers;
  for (const std::string& byte : written_bytes()) numbers.emplace(byte, numbers.size());
  for (const std::string& merge : merges) {
    const std::size_t blank = merge.find(' ');
    numbers.emplace(merge.substr(0, blank) + merge.substr(blank + 1), numbers.size());
  }
  return numbers;
}

void expect_naive(const std::vector<std::string>& merges, const std::string& alphabet, int rounds) {
  const auto files = bpe_files(merges);
  const Bpe bpe(files.vocabulary, files.merges);
  const auto numbers = numbers_of(merges);
  std::mt19937 random(3);
  for (int round = 0; round < rounds; ++round) {
    std::string text(1 + random() % 40, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    Tokens expected;
    for (const std::string& word : words_of(text)) {
      for (const std::string& part : naive_bpe(word, merges)) expected.push_back(numbers.at(part));
    }
    ASSERT_EQ(encoded(bpe, text), expected) << ::testing::PrintToString(text);
    ASSERT_EQ(bpe.decode(expected), text);
  }
}

TEST(Bpe, MergesAsItIsDefined) {
  expect_naive(some_merges(), "thean doing s' 123\n", 3000);
  expect_naive({"a a", "aa a", "aa aa", "aaaa aa"}, "aaaaaaaaab", 1000);
  expect_naive({"a b", "b a", "ab a", "ba ab", "ab ab"}, "ab", 1000);
}

TEST(Bpe, GivesBackAnyBytes) {
  const auto files = bpe_files(some_merges());
  const Bpe bpe(files.vocabulary, files.merges);
  std::mt19937 random(4);
  for (int round = 0; round < 500; ++round) {
    std::string text(random() % 200, '\0');
    for (char& c : text) c = static_cast<char>(random());
    ASSERT_EQ(bpe.decode(encoded(bpe, text)), text);
  }
}

TEST(Bpe, AWordOfAMillionLettersTakesNoTime) {
  const auto files = bpe_files({"a a", "aa aa", "aaaa aaaa"});
  const Bpe bpe(files.vocabulary, files.merges);
  EXPECT_EQ(encoded(bpe, std::string(1 << 20, 'a')), Tokens((1 << 20) / 8, 258u));
}

TEST(Bpe, KnowsTheEndOfAText) {
  const auto merges = some_merges();
  const auto files = bpe_files(merges);
  const Bpe bpe(files.vocabulary, files.merges);
  const auto end = static_cast<std::uint32_t>(256 + merges.size());
  EXPECT_EQ(bpe.end_of_text(), end);
  EXPECT_EQ(bpe.size(), end + 1u);
  const auto the = numbers_of(merges).at("the");
  EXPECT_EQ(encoded(bpe, "the<|endoftext|><|endoftext|>the"), (Tokens{the, end, end, the}));
  EXPECT_EQ(bpe.decode(Tokens{end}), "<|endoftext|>");
  // It parts the text: white space before it is at an end, and all of it is one word.
  const auto blanks = numbers_of(merges).at("\xc4\xa0\xc4\xa0");
  EXPECT_EQ(encoded(bpe, "  <|endoftext|>"), (Tokens{blanks, end}));

  const auto without = bpe_files(merges, false);
  const Bpe plain(without.vocabulary, without.merges);
  EXPECT_EQ(plain.end_of_text(), std::nullopt);
  EXPECT_GT(encoded(plain, "<|endoftext|>").size(), 1u);
}

TEST(Bpe, IsMadeAgainOfItsTexts) {
  const auto files = bpe_files(some_merges());
  const Bpe bpe(files.vocabulary, files.merges);
  const auto again = make_tokenizer(bpe.name(), bpe.texts());
  EXPECT_EQ(encoded(*again, "then and there"), encoded(bpe, "then and there"));
}

TEST(Bpe, RefusesFilesThatMakeNoTokenizer) {
  const auto good = bpe_files({"t h", "th e"});
  const auto vocabulary = [&](const std::string& text) {
    return error_of(ExitCode::kFile, [&] { Bpe(text, good.merges, "v.json", "m.txt"); });
  };
  const auto merges = [&](const std::string& text) {
    return error_of(ExitCode::kFile, [&] { Bpe(good.vocabulary, text, "v.json", "m.txt"); });
  };
  EXPECT_EQ(merges(good.merges), "no error");
  EXPECT_EQ(vocabulary(""), "v.json: the vocabulary is not JSON at byte 1");
  EXPECT_EQ(vocabulary("{}"), "v.json: byte 0 has no token");
  EXPECT_EQ(vocabulary("[1]"), "v.json: the vocabulary has a list in a place for something else");
  EXPECT_EQ(vocabulary("3"), "v.json: the vocabulary has a number in a place for something else");
  EXPECT_EQ(vocabulary("{\"a\": -1}"),
            "v.json: the vocabulary has a negative number in a place for something else, after the "
            "token 'a'");
  EXPECT_EQ(vocabulary("{\"a\": {}}"),
            "v.json: the vocabulary has an object in a place for something else, after the token "
            "'a'");
  EXPECT_EQ(vocabulary("{\"\": 0}"), "v.json: the vocabulary has a token without text");
  EXPECT_EQ(vocabulary("{\"a\": 0, \"a\": 1}"), "v.json: the token 'a' occurs twice");
  EXPECT_EQ(vocabulary("{\"a\": 0, \"b\": 0}"),
            "v.json: the token 'b' has the number 0, which is that of another one");
  EXPECT_EQ(vocabulary("{\"a\": 7}"),
            "v.json: the token 'a' has the number 7, which is not below the number of tokens, 1");
  EXPECT_EQ(vocabulary("{\"\xe2\x82\xac\": 0}"),
            "v.json: the token '\xe2\x82\xac' holds a character that stands for no byte");
  EXPECT_NE(vocabulary("{\"" + std::string(1025, 'a') + "\": 0}").find("more than 1024 bytes"),
            std::string::npos);
  EXPECT_NE(vocabulary(std::string(100000, '[')).find("has a list"), std::string::npos);

  EXPECT_EQ(merges("t h\nthe\n"), "m.txt:2: 'the' is not two tokens with a blank between them");
  EXPECT_EQ(merges("t  h\n"), "m.txt:1: 't  h' is not two tokens with a blank between them");
  EXPECT_EQ(merges("#version: 0.2\nt o\n"),
            "m.txt:2: 't o' makes a token that is not in the vocabulary");
  EXPECT_EQ(merges("th e\n"), "m.txt:1: 'th' is no byte, and no line before makes it");
  EXPECT_EQ(merges("t h\nt h\n"), "m.txt:2: 't h' makes a token that there is already");
  EXPECT_EQ(merges("too e\n"), "m.txt:1: 'too' is not in the vocabulary");
  EXPECT_EQ(merges("\xe2\x82\xac e\n"),
            "m.txt:1: the token '\xe2\x82\xac' holds a character that stands for no byte");
}

TEST(Bytes, AreTheirOwnTokens) {
  const auto bytes = make_tokenizer("bytes");
  EXPECT_EQ(bytes->size(), 256u);
  EXPECT_EQ(encoded(*bytes, "A\xff"), (Tokens{65, 255}));
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(bytes->decode(encoded(*bytes, all)), all);
  EXPECT_EQ(error_of(ExitCode::kUsage, [&] { bytes->decode(Tokens{256}); }),
            "there is no token 256 of 256");
}

TEST(Characters, AreSortedAndOnlyThoseOfTheText) {
  const TemporaryFolder folder;
  const std::string text =
      "b\n\xc3\xa9 a\xf0\x9f\x98\x80\xe2\x82\xac"
      "b";
  const auto made =
      read_tokenizer("characters", "", "", {folder.file("t.txt", testing::gzipped(text))});
  EXPECT_EQ(made->texts(), Strings{"\n ab\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"});
  EXPECT_EQ(encoded(*made, text), (Tokens{3, 0, 4, 1, 2, 6, 5, 3}));
  EXPECT_EQ(made->decode(encoded(*made, text)), text);
  const auto again = make_tokenizer("characters", made->texts());
  EXPECT_EQ(encoded(*again, text), encoded(*made, text));
  Tokens tokens;
  EXPECT_EQ(made->encode("abx", tokens), 2u);
  EXPECT_EQ(made->why_not("x"), "the character 'x' (U+0078) is not one of the 7 of the tokenizer");
  EXPECT_EQ(made->why_not("\xf0\x9f\x98\x81"),
            "the character '\xf0\x9f\x98\x81' (U+1F601) is not one of the 7 of the tokenizer");
  EXPECT_EQ(made->why_not("\xff"), "the text is not UTF-8");
}

TEST(Characters, RefusesWhatMakesNoTokenizer) {
  const TemporaryFolder folder;
  const std::string bad = folder.file("bad.txt", "a\nb\n\xff");
  EXPECT_EQ(error_of(ExitCode::kFile, [&] { read_tokenizer("characters", "", "", {bad}); }),
            bad + ":3: the text is not UTF-8");
  const auto made_of = [](const Strings& texts) {
    return error_of(ExitCode::kFile, [&] { make_tokenizer("characters", texts); });
  };
  EXPECT_EQ(made_of({"aa"}), "the characters of a tokenizer hold one twice");
  EXPECT_EQ(made_of({""}), "the characters of a tokenizer are none");
  EXPECT_EQ(made_of({"\x80"}), "the characters of a tokenizer are not UTF-8");
  EXPECT_EQ(made_of({}), "a tokenizer of characters is made of 1 texts, not of 0");
  EXPECT_EQ(error_of(ExitCode::kUsage, [] { make_tokenizer("words"); }),
            "there is no tokenizer 'words'");
}

// A file of several pieces, which threads encode, has the tokens of the text in one piece.
TEST(EncodeFile, CutsWhereNothingChanges) {
  const TemporaryFolder folder;
  const auto files = bpe_files(some_merges());
  const Bpe bpe(files.vocabulary, files.merges);
  std::mt19937 random(5);
  const std::vector<std::string> parts{
      "the",  " and",         "  ",       "\n\n", "12", "'s",           "\xc2\xa0",
      " \t ", "\xe3\x80\x80", "\xc3\xa9", ".",    "\n", "<|endoftext|>"};
  std::string text;
  while (text.size() < 5'000'000) text += parts[random() % parts.size()];
  text += std::string(3'000'000, ' ') + std::string(1'500'000, 'x') + " the";
  const ByteFile file(folder.file("t.txt", text));
  for (const auto& [first, last] :
       std::vector<std::pair<std::size_t, std::size_t>>{{0, text.size()}, {17, text.size() - 3}}) {
    Tokens tokens;
    std::uint64_t bytes = 0;
    encode_file(bpe, file, first, last, [&](std::span<const std::uint32_t> more, std::uint64_t n) {
      tokens.insert(tokens.end(), more.begin(), more.end());
      bytes += n;
    });
    EXPECT_EQ(bytes, last - first);
    EXPECT_TRUE(tokens == encoded(bpe, std::string_view(text).substr(first, last - first)));
  }
}

TEST(EncodeFile, NamesTheLineOfAnUnknownCharacter) {
  const TemporaryFolder folder;
  const auto abc = make_tokenizer("characters", {"\n abc"});
  std::string text;
  while (text.size() < 2'500'000) text += "a b c\n";
  const std::size_t line = text.size() / 6 + 1;
  const ByteFile file(folder.file("t.txt", text + "ab\xc3\xa9"
                                                  "c\n"));
  EXPECT_EQ(error_of(ExitCode::kFile,
                     [&] { encode_file(*abc, file, 0, file.size(), [](auto, auto) {}); }),
            file.path().string() + ":" + std::to_string(line) +
                ": the character '\xc3\xa9' (U+00E9) is not one of the 5 of the tokenizer");
}

}  // namespace
}  // namespace bayesum
