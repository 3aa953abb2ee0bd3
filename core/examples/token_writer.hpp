#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/examples/token_file.hpp"
#include "core/files/atomic_file.hpp"

namespace bayesum {

// Writes a file of tokens piece by piece, whole or not at all. llm.c's has uint16 tokens where the
// vocabulary allows it, else uint32; nanoGPT's has uint16 alone.
class TokenWriter {
 public:
  // Error(kUsage) when nanoGPT's format cannot hold the tokens of the vocabulary. `expected` is how
  // many tokens there may be, for the message of a full disk.
  TokenWriter(const std::filesystem::path& path, TokenFormat format, std::size_t vocabulary,
              std::uint64_t expected);

  // Error(kFile) for more tokens than llm.c's header can count, 2^31 - 1.
  void write(std::span<const std::uint32_t> tokens);
  std::uint64_t size() const { return tokens_; }
  void commit();

 private:
  TokenFormat format_;
  bool wide_;
  AtomicFile file_;
  std::uint64_t tokens_ = 0;
  std::vector<std::uint16_t> narrow_;
};

}  // namespace bayesum
