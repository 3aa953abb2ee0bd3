#include "core/examples/token_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "core/files/hash.hpp"
#include "kernels/error.hpp"

namespace bayesum {

static_assert(std::endian::native == std::endian::little, "the formats are little-endian");

// Where tokens come from: a file, or memory.
struct TokenFile::Source {
  std::filesystem::path path;
  std::optional<InputFile> file = std::nullopt;
  std::size_t width = sizeof(std::uint16_t);  // bytes of a token
  std::uint64_t header = 0;
  std::uint64_t tokens = 0;
  std::vector<std::byte> memory = {};

  explicit Source(std::filesystem::path where) : path(std::move(where)) {}

  void read_bytes(std::uint64_t first, std::span<std::byte> out) const {
    if (file) {
      file->read(header + first, out);
    } else {
      std::copy_n(memory.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
    }
  }

  template <class T>
  void read_as(std::uint64_t first, std::span<std::int32_t> out, std::size_t vocabulary) const {
    std::vector<T> tokens_read(out.size());
    read_bytes(first * sizeof(T), std::as_writable_bytes(std::span(tokens_read)));
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (tokens_read[i] >= vocabulary) {
        refuse("token " + std::to_string(tokens_read[i]) + " at position " +
               std::to_string(first + i) + " is not of the vocabulary, which has " +
               std::to_string(vocabulary));
      }
      out[i] = static_cast<std::int32_t>(tokens_read[i]);
    }
  }

  // Takes the header of llm.c for what it is; a file without one has tokens alone.
  void read_header() {
    std::array<std::int32_t, 3> header_words{};
    const std::uint64_t size = file->size();
    if (size >= sizeof header_words) file->read(0, std::as_writable_bytes(std::span(header_words)));
    const auto [magic, version, count] = header_words;
    const bool wide = magic == kMagic32;
    if (magic == kMagic16 || wide) {
      const std::int32_t known = wide ? kVersion32 : kVersion16;
      if (version != known) {
        refuse("version " + std::to_string(version) + " of magic number " + std::to_string(magic) +
               " is not known, only " + std::to_string(known));
      }
      if (wide) width = sizeof(std::uint32_t);
      header = kTokenHeaderBytes;
    }
    const std::uint64_t body = size < header ? 0 : size - header;
    if (size < header || body % width != 0) {
      refuse("its " + std::to_string(size) + " bytes are not " +
             (header > 0 ? "a header of 1024 bytes and " : "") + "whole tokens of " +
             std::to_string(width) + " bytes");
    }
    tokens = body / width;
    if (header > 0 && (count < 0 || static_cast<std::uint64_t>(count) != tokens)) {
      refuse("its header counts " + std::to_string(count) + " tokens, but it has " +
             std::to_string(tokens));
    }
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ExitCode::kFile, path.string() + ": " + why);
  }
};

TokenFile::TokenFile(std::filesystem::path path, std::size_t vocabulary) : vocabulary_(vocabulary) {
  auto source = std::make_shared<Source>(std::move(path));
  source->file.emplace(source->path);
  source->read_header();
  last_ = source->tokens;
  source_ = std::move(source);
}

TokenFile::TokenFile(std::filesystem::path path, const Tokenizer& tokenizer)
    : vocabulary_(tokenizer.size()) {
  auto source = std::make_shared<Source>(std::move(path));
  if (vocabulary_ > std::size_t{1} << 16) source->width = sizeof(std::uint32_t);
  const ByteFile text(source->path);
  encode_file(tokenizer, text, 0, text.size(),
              [&](std::span<const std::uint32_t> tokens, std::uint64_t) {
                for (const std::uint32_t token : tokens) {
                  const auto bytes = std::as_bytes(std::span(&token, 1)).first(source->width);
                  source->memory.insert(source->memory.end(), bytes.begin(), bytes.end());
                }
              });
  last_ = source->tokens = source->memory.size() / source->width;
  source_ = std::move(source);
}

TokenFile::TokenFile(const TokenFile& whole, std::uint64_t first, std::uint64_t last)
    : source_(whole.source_),
      vocabulary_(whole.vocabulary_),
      first_(whole.first_ + first),
      last_(whole.first_ + last) {
  if (first > last || last > whole.size()) {
    throw Error(ExitCode::kUsage, path().string() + ": there are no tokens " +
                                      std::to_string(first) + " to " + std::to_string(last));
  }
}

const std::filesystem::path& TokenFile::path() const { return source_->path; }

void TokenFile::read(std::uint64_t first, std::span<std::int32_t> out) const {
  if (first > size() || out.size() > size() - first) {
    throw Error(ExitCode::kUsage,
                path().string() + ": there are no tokens " + std::to_string(first) + " to " +
                    std::to_string(first + out.size()) + " of " + std::to_string(size()));
  }
  if (source_->width == sizeof(std::uint16_t)) {
    source_->read_as<std::uint16_t>(first_ + first, out, vocabulary_);
  } else {
    source_->read_as<std::uint32_t>(first_ + first, out, vocabulary_);
  }
}

std::uint64_t TokenFile::fingerprint() const {
  constexpr std::uint64_t kPieces = 64, kPiece = 64 << 10;
  const std::array<std::uint64_t, 3> place{source_->tokens, first_, last_};
  Hash hash;
  hash.add(std::as_bytes(std::span(place)));
  const std::uint64_t begin = first_ * source_->width, bytes = size() * source_->width;
  const std::uint64_t pieces = std::min(kPieces, (bytes + kPiece - 1) / kPiece);
  std::vector<std::byte> piece;
  for (std::uint64_t i = 0; i < pieces; ++i) {
    piece.resize(std::min(kPiece, bytes));
    const std::uint64_t room = bytes - piece.size();
    source_->read_bytes(begin + room * i / std::max<std::uint64_t>(1, pieces - 1), piece);
    hash.add(piece);
  }
  return hash.value();
}

}  // namespace bayesum
