#include <algorithm>
#include <exception>

#include "core/examples/tokenizer.hpp"
#include "core/examples/words.hpp"
#include "core/files/lines.hpp"
#include "core/files/utf8.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kBatch = std::size_t{64} << 20;
constexpr std::size_t kPiece = std::size_t{1} << 20;

[[noreturn]] void refuse(const ByteFile& text, std::uint64_t byte, const std::string& why) {
  throw Error(ExitCode::kFile,
              text.path().string() + ":" + std::to_string(line_of(text, byte)) + ": " + why);
}

bool ends_in_white_space(std::string_view text) {
  std::size_t at = text.size() - 1;
  while (at > 0 && text.size() - at < 4 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) {
    --at;
  }
  return is_white_space(first_code_point(text.substr(at)).code);
}

// The last place before which there is no white space and after which there is some; 0: none.
std::size_t last_cut(std::string_view text) {
  constexpr std::string_view kSpaces = " \n\t\r";
  for (std::size_t at = text.find_last_of(kSpaces); at != text.npos && at > 0;
       at = text.find_last_of(kSpaces, at - 1)) {
    if (!ends_in_white_space(text.substr(0, at))) return at;
  }
  return 0;
}

std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t size = kPiece; !text.empty();) {
    const std::size_t cut = size < text.size() ? last_cut(text.substr(0, size)) : text.size();
    if (cut == 0) {
      size *= 2;
      continue;
    }
    pieces.push_back(text.substr(0, cut));
    text.remove_prefix(cut);
    size = kPiece;
  }
  return pieces;
}

struct Encoded {
  std::vector<std::uint32_t> tokens;
  std::size_t bytes = 0;
  std::exception_ptr failure;
};

void encode_text(const Tokenizer& tokenizer, const ByteFile& file, std::uint64_t start,
                 std::string_view text, const TokenVisitor& visit) {
  const std::vector<std::string_view> pieces = pieces_of(text);
  std::vector<Encoded> encoded(pieces.size());
  cpu::parallel_for(pieces.size(), [&](std::size_t i) {
    try {
      encoded[i].bytes = tokenizer.encode(pieces[i], encoded[i].tokens);
    } catch (...) {
      encoded[i].failure = std::current_exception();
    }
  });
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (encoded[i].failure) std::rethrow_exception(encoded[i].failure);
    if (encoded[i].bytes < pieces[i].size()) {
      refuse(file, start + encoded[i].bytes, tokenizer.why_not(pieces[i].substr(encoded[i].bytes)));
    }
    visit(encoded[i].tokens, pieces[i].size());
    start += pieces[i].size();
  }
}

// The bytes [first, last) of a file in batches of some MiB or more; `whole` says up to where a
// batch is ready, and the rest of it comes with the next.
template <class Whole, class Visit>
void read_batches(const ByteFile& file, std::uint64_t first, std::uint64_t last, Whole whole,
                  Visit visit) {
  ByteReader reader(file);
  std::string batch;
  for (std::uint64_t at = first; at < last;) {
    const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(kBatch, last - at));
    batch.resize(batch.size() + more);
    reader.read(at, std::as_writable_bytes(std::span(batch)).subspan(batch.size() - more));
    at += more;
    const std::size_t ready = at == last ? batch.size() : whole(batch);
    visit(at - batch.size(), std::string_view(batch).substr(0, ready));
    batch.erase(0, ready);
  }
}

}  // namespace

std::string characters_of(const std::vector<std::filesystem::path>& texts) {
  const auto up_to_a_lead = [](std::string_view batch) {
    std::size_t end = batch.size() - 1;
    while (end > 0 && (static_cast<unsigned char>(batch[end]) & 0xc0) == 0x80) --end;
    return end;
  };
  std::vector<bool> seen(0x110000);
  for (const std::filesystem::path& path : texts) {
    const ByteFile text(path);
    read_batches(text, 0, text.size(), up_to_a_lead,
                 [&](std::uint64_t start, std::string_view batch) {
                   for (std::size_t at = 0; at < batch.size();) {
                     const CodePoint point = first_code_point(batch.substr(at));
                     if (point.bytes == 0) refuse(text, start + at, "the text is not UTF-8");
                     seen[point.code] = true;
                     at += point.bytes;
                   }
                 });
  }
  std::string characters;
  for (char32_t code = 0; code < seen.size(); ++code) {
    if (seen[code]) characters += to_utf8(code);
  }
  return characters;
}

void encode_file(const Tokenizer& tokenizer, const ByteFile& text, std::uint64_t first,
                 std::uint64_t last, const TokenVisitor& visit) {
  read_batches(text, first, last, last_cut, [&](std::uint64_t start, std::string_view batch) {
    encode_text(tokenizer, text, start, batch, visit);
  });
}

}  // namespace bayesum
