#include <algorithm>
#include <string>
#include <vector>

#include "core/examples/bpe.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {

// The input is the vocabulary, a byte 0, the merges, a byte 0, and a text, which must come back
// from its tokens; the two files are kept as they are.
void read_input(std::span<const std::byte> bytes) {
  const std::string input(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t first = input.find('\0');
  if (first == input.npos) return;
  const std::size_t second = std::min(input.find('\0', first + 1), input.size());
  const std::string text = input.substr(std::min(second + 1, input.size()));
  const Bpe bpe(input.substr(0, first), input.substr(first + 1, second - first - 1));
  std::vector<std::uint32_t> tokens;
  require(bpe.encode(text, tokens) == text.size(), "a text without tokens");
  require(bpe.decode(tokens) == text, "another text from its tokens");
}

}  // namespace bayesum::fuzz
