#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "core/examples/tokenizer.hpp"
#include "core/files/input_file.hpp"

namespace bayesum {

// The formats of files of tokens, all little-endian. nanoGPT's is the uint16 tokens and nothing
// else. llm.c's has a header of 256 int32 before them: a magic number, a version, the number of
// tokens, zeros. Of magic 20240520 and version 1 the tokens are uint16 (GPT-2), of magic 20240801
// and version 7 uint32 (Llama 3) (dev/data/data_common.py of llm.c).
enum class TokenFormat { kNanoGpt, kLlmC };

inline constexpr std::size_t kTokenHeaderBytes = 1024;
inline constexpr std::int32_t kMagic16 = 20240520, kVersion16 = 1;
inline constexpr std::int32_t kMagic32 = 20240801, kVersion32 = 7;

// A sequence of tokens, read at any place, by any thread.
//
// A .bin file stays on disk and each window is read from it, at the price of one system call; the
// page cache keeps what is read often. It is not mapped into memory because a mapped file that
// shrinks or whose disk fails ends the process by a signal, where a read can name file and
// position.
class TokenFile {
 public:
  // A .bin file; nanoGPT's and llm.c's are told apart by the magic number. Tokens must be below
  // `vocabulary`, which fetches check. Error(kFile) for a wrong version, a header that counts other
  // tokens than the file has, a size that is not one of whole tokens.
  TokenFile(std::filesystem::path path, std::size_t vocabulary);
  // A text, as it is or packed by gzip, encoded here and now and kept in memory. Error(kFile) for a
  // character that the tokenizer does not know, naming the line.
  TokenFile(std::filesystem::path path, const Tokenizer& tokenizer);
  // Tokens [first, last) of another one.
  TokenFile(const TokenFile& whole, std::uint64_t first, std::uint64_t last);

  const std::filesystem::path& path() const;
  std::uint64_t size() const { return last_ - first_; }
  std::size_t vocabulary() const { return vocabulary_; }

  // Tokens from `first` on. Error(kFile) naming file and position for one outside the vocabulary,
  // or when the file has become shorter.
  void read(std::uint64_t first, std::span<std::int32_t> out) const;

  // The XXH3 of size, place and up to 64 pieces of 64 KiB spread evenly from the first token to the
  // last: another file is told from this one, and a file of up to 4 MiB is covered whole.
  std::uint64_t fingerprint() const;

 private:
  struct Source;

  std::shared_ptr<const Source> source_;
  std::size_t vocabulary_ = 0;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;
};

}  // namespace bayesum
