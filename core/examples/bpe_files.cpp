#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/examples/bpe.hpp"
#include "core/files/field_text.hpp"
#include "core/files/utf8.hpp"
#include "kernels/error.hpp"

// The two files that GPT-2's tokenizer is made of.
namespace bayesum {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{64} << 20;  // of a file
constexpr std::size_t kMostTokens = std::size_t{1} << 20;
constexpr std::size_t kLongestToken = 1024;  // bytes as they are written

[[noreturn]] void refuse(const std::string& where, const std::string& why) {
  throw Error(ExitCode::kFile, where + ": " + why);
}

// The byte that each character of the files stands for; those that stand for none are -1.
const std::array<int, 512>& byte_of_character() {
  static const std::array<int, 512> kBytes = [] {
    std::array<int, 512> bytes{};
    bytes.fill(-1);
    std::size_t next = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
      bytes[printable ? static_cast<std::size_t>(byte) : next++] = byte;
    }
    return bytes;
  }();
  return kBytes;
}

// The bytes that a token as it is written stands for.
std::string bytes_of(std::string_view written, const std::string& where) {
  const std::array<int, 512>& bytes = byte_of_character();
  const std::string_view token = written;
  std::string text;
  while (!written.empty()) {
    const CodePoint point = first_code_point(written);
    if (point.bytes == 0 || point.code >= bytes.size() || bytes[point.code] < 0) {
      refuse(where, "the token " + shown(token) + " holds a character that stands for no byte");
    }
    text += static_cast<char>(bytes[point.code]);
    written.remove_prefix(point.bytes);
  }
  return text;
}

// Reads {"token": number, ...} event by event, so that nothing is built that was not counted.
class VocabularyReader final : public nlohmann::json_sax<Json> {
 public:
  const std::string& fault() const { return fault_; }
  const std::vector<std::pair<std::string, std::size_t>>& tokens() const { return tokens_; }

  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("true or false"); }
  bool number_integer(number_integer_t) override { return refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return refuse("a fraction"); }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool string(string_t&) override { return refuse("text"); }
  bool start_array(std::size_t) override { return refuse("a list"); }
  bool end_array() override { return true; }
  bool end_object() override { return true; }

  bool start_object(std::size_t) override {
    if (started_) return refuse("an object");
    started_ = true;
    return true;
  }

  bool key(string_t& text) override {
    if (tokens_.size() == kMostTokens) return fail("names more than 1048576 tokens");
    if (text.empty()) return fail("has a token without text");
    if (text.size() > kLongestToken) return fail("has a token of more than 1024 bytes");
    tokens_.emplace_back(text, 0);
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (!started_) return refuse("a number");
    tokens_.back().second = value;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    return fail("is not JSON at byte " + std::to_string(position));
  }

 private:
  bool refuse(const std::string& what) {
    return fail("has " + what + " in a place for something else");
  }
  bool fail(const std::string& why) {
    fault_ = "the vocabulary " + why;
    if (!tokens_.empty()) fault_ += ", after the token " + shown(tokens_.back().first);
    return false;
  }

  bool started_ = false;
  std::string fault_;
  std::vector<std::pair<std::string, std::size_t>> tokens_;
};

void check_size(const std::string& text, const std::string& name) {
  if (text.size() > kMostBytes) {
    refuse(name, std::to_string(text.size()) + " bytes are beyond the limit of " +
                     std::to_string(kMostBytes));
  }
}

}  // namespace

Bpe::Bpe(std::string vocabulary, std::string merges, const std::string& vocabulary_name,
         const std::string& merges_name)
    : vocabulary_(std::move(vocabulary)), merges_(std::move(merges)) {
  check_size(vocabulary_, vocabulary_name);
  check_size(merges_, merges_name);
  read_vocabulary(vocabulary_name);
  read_merges(merges_name);
}

void Bpe::read_vocabulary(const std::string& name) {
  VocabularyReader reader;
  if (!Json::sax_parse(vocabulary_, &reader)) refuse(name, reader.fault());
  std::vector<bool> numbered(reader.tokens().size());
  token_text_.resize(reader.tokens().size());
  for (const auto& [written, token] : reader.tokens()) {
    if (token >= numbered.size() || numbered[token]) {
      refuse(name, "the token " + shown(written) + " has the number " + std::to_string(token) +
                       ", which is " +
                       (token < numbered.size() ? "that of another one"
                                                : "not below the number of tokens, " +
                                                      std::to_string(numbered.size())));
    }
    numbered[token] = true;
    token_text_[token] = bytes_of(written, name);
    if (!token_of_.emplace(token_text_[token], static_cast<std::uint32_t>(token)).second) {
      refuse(name, "the token " + shown(written) + " occurs twice");
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = token_of_.find(std::string(1, static_cast<char>(byte)));
    if (found == token_of_.end()) {
      refuse(name, "byte " + std::to_string(byte) + " has no token");
    }
    byte_token_.push_back(found->second);
  }
  const auto end = token_of_.find("<|endoftext|>");
  if (end != token_of_.end()) end_of_text_ = end->second;
}

void Bpe::read_merges(const std::string& name) {
  std::vector<bool> made(token_text_.size());
  for (const std::uint32_t token : byte_token_) made[token] = true;
  std::size_t number = 0;
  for (std::string_view rest = merges_; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (++number == 1 && line.starts_with("#version")) continue;
    if (!line.empty()) add_merge(line, name + ":" + std::to_string(number), made);
  }
}

void Bpe::add_merge(std::string_view line, const std::string& where, std::vector<bool>& made) {
  const std::size_t blank = line.find(' ');
  if (line.size() > 2 * kLongestToken || blank == line.npos || blank == 0 ||
      blank + 1 == line.size() || line.find(' ', blank + 1) != line.npos) {
    refuse(where, shown(line) + " is not two tokens with a blank between them");
  }
  const auto made_before = [&](std::string_view written) {
    const auto found = token_of_.find(bytes_of(written, where));
    if (found == token_of_.end()) refuse(where, shown(written) + " is not in the vocabulary");
    if (!made[found->second]) {
      refuse(where, shown(written) + " is no byte, and no line before makes it");
    }
    return found->second;
  };
  const std::uint32_t left = made_before(line.substr(0, blank));
  const std::uint32_t right = made_before(line.substr(blank + 1));
  const auto result = token_of_.find(token_text_[left] + token_text_[right]);
  if (result == token_of_.end()) {
    refuse(where, shown(line) + " makes a token that is not in the vocabulary");
  }
  if (made[result->second]) refuse(where, shown(line) + " makes a token that there is already");
  made[result->second] = true;
  merge_.emplace(key(left, right),
                 Merge{static_cast<std::uint32_t>(merge_.size()), result->second});
}

}  // namespace bayesum
