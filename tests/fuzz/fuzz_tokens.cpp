#include <vector>

#include "core/examples/token_examples.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {

// Whatever the windows, tokens are of the vocabulary and each target is the token after its token.
void read_input(std::span<const std::byte> bytes) {
  constexpr std::size_t kContext = 3, kVocabulary = 40000;
  const TokenExamples examples(TokenFile(file_of(bytes), kVocabulary), kContext, 1);
  const auto windows = static_cast<std::size_t>(examples.size_in_order());
  std::vector<std::int32_t> tokens(windows * kContext), targets(windows * kContext);
  examples.fetch_in_order(0, windows, {.tokens = tokens, .targets = targets});
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    require(tokens[i] >= 0 && static_cast<std::size_t>(tokens[i]) < kVocabulary, "no such token");
    const bool has_next = i + 1 < tokens.size() && targets[i + 1] != kNoTarget;
    require(!has_next || targets[i] == tokens[i + 1], "a target that is not the next token");
  }
}

}  // namespace bayesum::fuzz
