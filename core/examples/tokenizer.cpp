#include "core/examples/tokenizer.hpp"

#include <array>
#include <limits>

#include "core/examples/bpe.hpp"
#include "core/files/field_text.hpp"
#include "core/files/utf8.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::uint64_t kMostTexts = std::uint64_t{64} << 20;  // bytes of a file of a tokenizer

class ByteTokenizer : public Tokenizer {
 public:
  std::string name() const override { return "bytes"; }
  std::size_t size() const override { return 256; }

  std::size_t encode(std::string_view text, std::vector<std::uint32_t>& tokens) const override {
    for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
    return text.size();
  }

  std::string_view text_of(std::uint32_t token) const override {
    static const std::string kBytes = [] {
      std::string bytes;
      for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
      return bytes;
    }();
    return std::string_view(kBytes).substr(token, 1);
  }
};

class CharacterTokenizer : public Tokenizer {
 public:
  explicit CharacterTokenizer(const std::string& characters) {
    for (std::string_view rest = characters; !rest.empty();) {
      const CodePoint point = first_code_point(rest);
      if (point.bytes == 0) refuse("are not UTF-8");
      if (token_.size() <= point.code) token_.resize(point.code + 1, kNone);
      if (token_[point.code] != kNone) refuse("hold one twice");
      token_[point.code] = static_cast<std::uint32_t>(characters_.size());
      characters_.emplace_back(rest.substr(0, point.bytes));
      rest.remove_prefix(point.bytes);
    }
    if (characters_.empty()) refuse("are none");
  }

  std::string name() const override { return "characters"; }
  std::size_t size() const override { return characters_.size(); }

  std::size_t encode(std::string_view text, std::vector<std::uint32_t>& tokens) const override {
    std::size_t at = 0;
    while (at < text.size()) {
      const CodePoint point = first_code_point(text.substr(at));
      if (point.bytes == 0 || point.code >= token_.size() || token_[point.code] == kNone) break;
      tokens.push_back(token_[point.code]);
      at += point.bytes;
    }
    return at;
  }

  std::string_view text_of(std::uint32_t token) const override { return characters_[token]; }

  Strings texts() const override {
    std::string all;
    for (const std::string& character : characters_) all += character;
    return {all};
  }

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  [[noreturn]] static void refuse(const char* why) {
    throw Error(ExitCode::kFile, std::string("the characters of a tokenizer ") + why);
  }

  std::vector<std::string> characters_;
  std::vector<std::uint32_t> token_;  // of each code point
};

std::string whole(const std::filesystem::path& path) {
  const ByteFile file(path);
  if (file.size() > kMostTexts) {
    throw Error(ExitCode::kFile, path.string() + ": " + std::to_string(file.size()) +
                                     " bytes are more than a vocabulary has");
  }
  std::string text(file.size(), '\0');
  ByteReader(file).read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace

std::string Tokenizer::why_not(std::string_view rest) const {
  constexpr std::array kDigits{'0', '1', '2', '3', '4', '5', '6', '7',
                               '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'};
  const CodePoint point = first_code_point(rest);
  if (point.bytes == 0) return "the text is not UTF-8";
  std::string number;
  for (char32_t code = point.code; code > 0 || number.size() < 4; code >>= 4) {
    number.insert(number.begin(), kDigits[code & 0xf]);
  }
  return "the character " + shown(rest.substr(0, point.bytes)) + " (U+" + number +
         ") is not one of the " + std::to_string(size()) + " of the tokenizer";
}

std::string Tokenizer::decode(std::span<const std::uint32_t> tokens) const {
  std::string text;
  for (const std::uint32_t token : tokens) {
    if (token >= size()) {
      throw Error(ExitCode::kUsage,
                  "there is no token " + std::to_string(token) + " of " + std::to_string(size()));
    }
    text += text_of(token);
  }
  return text;
}

std::unique_ptr<Tokenizer> make_tokenizer(const std::string& name, const Strings& texts) {
  const std::size_t wanted = name == "characters" ? 1 : name == "gpt2" ? 2 : 0;
  if (texts.size() != wanted) {
    throw Error(ExitCode::kFile, "a tokenizer of " + name + " is made of " +
                                     std::to_string(wanted) + " texts, not of " +
                                     std::to_string(texts.size()));
  }
  if (name == "bytes") return std::make_unique<ByteTokenizer>();
  if (name == "characters") return std::make_unique<CharacterTokenizer>(texts[0]);
  if (name == "gpt2") return std::make_unique<Bpe>(texts[0], texts[1]);
  throw Error(ExitCode::kUsage, "there is no tokenizer '" + name + "'");
}

std::unique_ptr<Tokenizer> read_tokenizer(const std::string& name,
                                          const std::filesystem::path& vocabulary,
                                          const std::filesystem::path& merges,
                                          const std::vector<std::filesystem::path>& texts) {
  if (name == "gpt2") {
    if (vocabulary.empty() || merges.empty()) {
      throw Error(ExitCode::kUsage,
                  "the tokenizer gpt2 needs its two files, vocab.json and merges.txt");
    }
    return std::make_unique<Bpe>(whole(vocabulary), whole(merges), vocabulary.string(),
                                 merges.string());
  }
  if (name == "characters") {
    if (vocabulary.empty() && texts.empty()) {
      throw Error(ExitCode::kUsage, "the tokenizer characters needs the file of them");
    }
    return make_tokenizer(name, {vocabulary.empty() ? characters_of(texts) : whole(vocabulary)});
  }
  return make_tokenizer(name);
}

}  // namespace bayesum
