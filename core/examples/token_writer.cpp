#include "core/examples/token_writer.hpp"

#include <array>
#include <limits>
#include <string>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kMostNarrow = std::size_t{1} << 16;
constexpr std::uint64_t kMostCounted = std::numeric_limits<std::int32_t>::max();

}  // namespace

TokenWriter::TokenWriter(const std::filesystem::path& path, TokenFormat format,
                         std::size_t vocabulary, std::uint64_t expected)
    : format_(format), wide_(vocabulary > kMostNarrow), file_(path, expected * (wide_ ? 4 : 2)) {
  if (format == TokenFormat::kNanoGpt && wide_) {
    throw Error(ExitCode::kUsage, "nanoGPT's format holds the numbers of 65536 tokens, not of " +
                                      std::to_string(vocabulary) + ": take llm.c's");
  }
  if (format == TokenFormat::kLlmC) {
    file_.write(std::array<std::byte, kTokenHeaderBytes>{});
  }
}

void TokenWriter::write(std::span<const std::uint32_t> tokens) {
  tokens_ += tokens.size();
  if (format_ == TokenFormat::kLlmC && tokens_ > kMostCounted) {
    throw Error(ExitCode::kFile, file_.path().string() +
                                     ": llm.c's header cannot count more than 2147483647 tokens: "
                                     "write several files, or nanoGPT's format");
  }
  if (wide_) {
    file_.write(std::as_bytes(tokens));
  } else {
    narrow_.assign(tokens.begin(), tokens.end());
    file_.write(std::as_bytes(std::span(narrow_)));
  }
}

void TokenWriter::commit() {
  if (format_ == TokenFormat::kLlmC) {
    const std::array<std::int32_t, 3> header{wide_ ? kMagic32 : kMagic16,
                                             wide_ ? kVersion32 : kVersion16,
                                             static_cast<std::int32_t>(tokens_)};
    file_.overwrite(0, std::as_bytes(std::span(header)));
  }
  file_.commit();
}

}  // namespace bayesum
