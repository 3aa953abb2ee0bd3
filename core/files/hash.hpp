#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct XXH3_state_s;

namespace bayesum {

// The 64-bit XXH3 hash of bytes that come piece by piece; how they are cut does not matter. Finds
// accidents, not adversaries.
class Hash {
 public:
  Hash();

  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const;  // of all bytes so far

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

std::uint64_t hash_of(std::span<const std::byte> bytes);

std::string hash_text(std::uint64_t hash);  // 16 hexadecimal digits

}  // namespace bayesum
