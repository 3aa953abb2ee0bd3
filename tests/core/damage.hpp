#pragma once

#include <cstddef>
#include <random>
#include <string>

namespace bayesum::testing {

// What is left of a file: every third trial cuts it short, the others flip one bit of it.
inline std::string damaged(std::string content, std::mt19937_64& random, int trial) {
  const std::size_t at = random() % content.size();
  if (trial % 3 == 0) {
    content.resize(at);
  } else {
    content[at] = static_cast<char>(content[at] ^ (1 << random() % 8));
  }
  return content;
}

}  // namespace bayesum::testing
