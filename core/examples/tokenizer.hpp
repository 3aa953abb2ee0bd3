#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/files/byte_file.hpp"

namespace bayesum {

// Turns text into tokens 0 .. size()-1 and back.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual std::string name() const = 0;  // bytes, characters, gpt2
  virtual std::size_t size() const = 0;

  // Appends the tokens of the text. Returns its size, or the byte at which it stopped since the
  // tokenizer knows no token for what is there; why_not() then says what that is.
  virtual std::size_t encode(std::string_view text, std::vector<std::uint32_t>& tokens) const = 0;
  virtual std::string why_not(std::string_view rest) const;

  // The bytes that these tokens stand for; a single token may be part of a character.
  // Error(kUsage) for a token that is not one.
  std::string decode(std::span<const std::uint32_t> tokens) const;
  virtual std::string_view text_of(std::uint32_t token) const = 0;

  // The token that stands between documents, where there is one.
  virtual std::optional<std::uint32_t> end_of_text() const { return std::nullopt; }

  // What make_tokenizer(name(), texts()) makes the same tokenizer of: what is kept with a model.
  virtual Strings texts() const { return {}; }
};

// bytes: token i is byte i; every text has tokens. No texts.
// characters: token i is the i-th character of the one text; other characters have no token.
// gpt2: byte-level BPE (core/examples/bpe.hpp); the texts are those of vocab.json and merges.txt.
// Error(kUsage) for another name; Error(kFile) for texts that make no tokenizer.
std::unique_ptr<Tokenizer> make_tokenizer(const std::string& name, const Strings& texts = {});

// The distinct characters (code points) of texts in UTF-8, sorted by number: the text of
// make_tokenizer("characters", ...). Error(kFile) naming file and line for what is not UTF-8.
std::string characters_of(const std::vector<std::filesystem::path>& texts);

// The tokenizer of that name from its files: gpt2 from vocab.json and merges.txt, characters from a
// file with all of them or, without one, those of the texts. Error(kUsage) for a file that is not
// named, Error(kFile) for what cannot be read.
std::unique_ptr<Tokenizer> read_tokenizer(const std::string& name,
                                          const std::filesystem::path& vocabulary,
                                          const std::filesystem::path& merges,
                                          const std::vector<std::filesystem::path>& texts);

// Encodes bytes [first, last) of a file with all threads and hands over the tokens in order, some
// millions at a time. The tokens are those of encoding it in one piece: the text is cut only
// between a character and white space that follows it, over which no token of these tokenizers
// reaches. Error(kFile) naming file and line for what the tokenizer does not know.
using TokenVisitor =
    std::function<void(std::span<const std::uint32_t> tokens, std::uint64_t bytes)>;
void encode_file(const Tokenizer& tokenizer, const ByteFile& text, std::uint64_t first,
                 std::uint64_t last, const TokenVisitor& visit);

}  // namespace bayesum
