#pragma once

#include "core/examples/examples.hpp"
#include "core/examples/token_file.hpp"

namespace bayesum {

// Windows of T tokens and the T tokens that follow each of them, for a language model.
//
// Of a file of n tokens an epoch reads N = max(1, n div T - 1) windows that do not overlap; they
// begin at o + i T, i < N, the offset o drawn afresh for every epoch, uniform over all that leave
// room, at most T of them. So in an epoch every token is a target at most once and all but fewer
// than 2 T at the two ends are, and over the epochs a window begins at any place of the file. The
// order of the windows is ExampleOrder's.
//
// For scores the windows begin at 0, T, 2 T, ...: every token but the first is a target exactly
// once. What the last window lacks is filled up with token 0 and kNoTarget, which a causal model
// does not notice before it.
class TokenExamples : public Examples {
 public:
  // Error(kFile) for a file of fewer than T + 1 tokens.
  TokenExamples(TokenFile file, std::size_t context, std::uint64_t seed);

  const ExampleShape& shape() const override { return shape_; }
  std::uint64_t size() const override { return windows_; }
  void fetch(std::span<const ExampleId> ids, const ExampleBuffers& out) const override;
  std::uint64_t size_in_order() const override;
  void fetch_in_order(std::uint64_t first, std::size_t rows,
                      const ExampleBuffers& out) const override;
  std::uint64_t fingerprint() const override { return file_.fingerprint(); }

  const TokenFile& file() const { return file_; }

 private:
  void fetch_window(std::uint64_t first, std::size_t row, const ExampleBuffers& out) const;

  TokenFile file_;
  ExampleShape shape_;
  std::uint64_t seed_;
  std::uint64_t windows_;
  std::uint64_t offsets_;  // that there are to draw from
};

}  // namespace bayesum
