#include <cstdint>

#include "tests/fuzz/target.hpp"

// libFuzzer's entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bayesum::fuzz::try_input(std::as_bytes(std::span(data, size)));
  return 0;
}
