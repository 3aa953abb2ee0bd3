#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/target.hpp"

// A target without a fuzzer: every file of a corpus, then random changes of them for some seconds,
// the same changes every time.
//
//   replay CORPUS SECONDS
namespace bayesum::fuzz {
namespace {

std::vector<std::string> corpus(const char* folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry);
  std::ranges::sort(paths);
  std::vector<std::string> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// A few bytes changed, taken out, doubled, or brought from another input.
std::string changed(std::string input, const std::string& other, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  for (std::size_t change = 0, changes = 1 + below(4); change < changes; ++change) {
    const std::size_t place = below(input.size() + 1);
    const std::size_t length = 1 + below(8);
    switch (below(6)) {
      case 0:
        if (place < input.size()) input[place] = static_cast<char>(random());
        break;
      case 1:
        if (place < input.size()) input[place] = static_cast<char>(input[place] ^ 1 << below(8));
        break;
      case 2:
        input.erase(place, length);
        break;
      case 3:
        input.insert(place, input.substr(place, length));
        break;
      case 4:
        input.insert(place, other.substr(below(other.size()), 4 * length));
        break;
      default:
        input.resize(place);
    }
  }
  return input;
}

void try_text(const std::string& input) { try_input(std::as_bytes(std::span(input))); }

}  // namespace
}  // namespace bayesum::fuzz

int main(int argc, char** argv) {
  using namespace bayesum::fuzz;
  const std::vector<std::string> inputs = argc == 3 ? corpus(argv[1]) : std::vector<std::string>();
  require(!inputs.empty(), "usage: replay CORPUS SECONDS");
  for (const std::string& input : inputs) try_text(input);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[2]));
  std::mt19937 random(1);
  std::size_t tried = 0;
  for (; std::chrono::steady_clock::now() < end; ++tried) {
    const std::string& input = inputs[random() % inputs.size()];
    try_text(changed(input, inputs[random() % inputs.size()], random));
  }
  std::printf("%zu files and %zu changes of them: no finding\n", inputs.size(), tried);
}
