#include "core/examples/bpe.hpp"

#include <queue>
#include <tuple>
#include <utility>

#include "core/examples/words.hpp"

namespace bayesum {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";
constexpr std::uint32_t kGone = 0xffffffff;

}  // namespace

// Encodes words one after the other, remembering those that it has met.
class Bpe::Encoder {
 public:
  explicit Encoder(const Bpe& bpe) : bpe_(bpe) {}

  // The text behind the word must live as long as the encoder.
  void encode(std::string_view word, std::vector<std::uint32_t>& tokens) {
    const auto [known, is_new] = known_.try_emplace(word, Place{});
    if (is_new) {
      known->second = {memory_.size(), 0};
      merge(word);
      known->second.count = memory_.size() - known->second.first;
    }
    const auto first = memory_.begin() + static_cast<std::ptrdiff_t>(known->second.first);
    tokens.insert(tokens.end(), first, first + static_cast<std::ptrdiff_t>(known->second.count));
  }

 private:
  struct Place {  // of the tokens of a word
    std::size_t first = 0;
    std::size_t count = 0;
  };
  struct Symbol {
    std::uint32_t token = 0;
    std::size_t before = 0;
    std::size_t after = 0;
  };
  // Rank, place of the left one, and the two tokens: outdated once they are not there any more.
  using Pair = std::tuple<std::uint32_t, std::size_t, std::uint32_t, std::uint32_t, std::uint32_t>;

  void merge(std::string_view word) {
    symbols_.resize(word.size());
    for (std::size_t i = 0; i < word.size(); ++i) {
      symbols_[i] = {bpe_.byte_token_[static_cast<unsigned char>(word[i])], i - 1, i + 1};
    }
    for (std::size_t i = 0; i + 1 < word.size(); ++i) offer(i);
    while (!pairs_.empty()) {
      const auto [rank, at, left, right, made] = pairs_.top();
      pairs_.pop();
      join(at, left, right, made);
    }
    for (std::size_t i = 0; i < symbols_.size(); i = symbols_[i].after) {
      memory_.push_back(symbols_[i].token);
    }
  }

  void offer(std::size_t at) {
    const std::uint32_t left = symbols_[at].token;
    const std::uint32_t right = symbols_[symbols_[at].after].token;
    const auto found = bpe_.merge_.find(key(left, right));
    if (found == bpe_.merge_.end()) return;
    pairs_.emplace(found->second.rank, at, left, right, found->second.token);
  }

  void join(std::size_t at, std::uint32_t left, std::uint32_t right, std::uint32_t made) {
    Symbol& symbol = symbols_[at];
    const std::size_t next = symbol.after;
    if (symbol.token != left || next >= symbols_.size() || symbols_[next].token != right) return;
    symbol.token = made;
    symbol.after = symbols_[next].after;
    symbols_[next].token = kGone;
    if (symbol.after < symbols_.size()) {
      symbols_[symbol.after].before = at;
      offer(at);
    }
    if (at > 0) offer(symbol.before);
  }

  const Bpe& bpe_;
  std::unordered_map<std::string_view, Place> known_;
  std::vector<std::uint32_t> memory_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Pair, std::vector<Pair>, std::greater<>> pairs_;
};

std::size_t Bpe::encode(std::string_view text, std::vector<std::uint32_t>& tokens) const {
  Encoder encoder(*this);
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = end_of_text_ ? rest.find(kEndOfText) : rest.npos;
    for (std::string_view part = rest.substr(0, end); !part.empty();) {
      const std::size_t bytes = next_word(part);
      encoder.encode(part.substr(0, bytes), tokens);
      part.remove_prefix(bytes);
    }
    if (end == rest.npos) break;
    tokens.push_back(*end_of_text_);
    rest.remove_prefix(end + kEndOfText.size());
  }
  return text.size();
}

}  // namespace bayesum
