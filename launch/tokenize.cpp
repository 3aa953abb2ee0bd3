#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <utility>

#include "core/agree.hpp"
#include "core/examples/token_writer.hpp"
#include "core/examples/tokenizer.hpp"
#include "core/files/atomic_file.hpp"
#include "launch/commands.hpp"
#include "launch/table.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Tells how far it is: on a terminal one line, drawn again and again; elsewhere a line now and
// then.
class Meter {
 public:
  explicit Meter(std::uint64_t bytes) : bytes_(bytes) {}

  void add(std::uint64_t bytes, std::uint64_t tokens) {
    done_ += bytes;
    tokens_ += tokens;
    if (seconds_since(drawn_) < (terminal_ ? 0.1 : 2.0)) return;
    drawn_ = Clock::now();
    const double seconds = seconds_since(start_);
    const double left = seconds * static_cast<double>(bytes_ - done_) / static_cast<double>(done_);
    const std::string line =
        bytes_text(static_cast<double>(done_)) + " of " + bytes_text(static_cast<double>(bytes_)) +
        "  " + std::to_string(tokens_) + " tokens  " +
        rounded(static_cast<double>(tokens_) / seconds, 3) + " tokens/s  ETA " + seconds_text(left);
    std::printf(terminal_ ? "\r%s\033[K" : "%s\n", line.c_str());
    std::fflush(stdout);
  }

  // Leaves a terminal's line empty.
  double finish() const {
    if (terminal_) std::printf("\r\033[K");
    return seconds_since(start_);
  }

 private:
  std::uint64_t bytes_;
  std::uint64_t done_ = 0;
  std::uint64_t tokens_ = 0;
  bool terminal_ = ::isatty(STDOUT_FILENO) == 1;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_ = start_;
};

// Texts one after the other, and the byte of them all at which what is held out begins.
struct Corpus {
  std::vector<ByteFile> texts;
  std::uint64_t bytes = 0;
  std::uint64_t cut = 0;
};

// The byte of a character's beginning at `at` or next after it.
std::uint64_t at_a_character(const ByteFile& text, std::uint64_t at) {
  ByteReader reader(text);
  for (std::byte byte{}; at < text.size(); ++at) {
    reader.read(at, std::span(&byte, 1));
    if ((byte & std::byte{0xc0}) != std::byte{0x80}) break;
  }
  return at;
}

Corpus open_corpus(const TokenizeOptions& options) {
  Corpus corpus;
  for (const fs::path& path : options.texts) {
    corpus.texts.emplace_back(path);
    corpus.bytes += corpus.texts.back().size();
  }
  if (corpus.bytes == 0) throw Error(ExitCode::kFile, "the texts are empty");
  const auto cut =
      static_cast<std::uint64_t>((1 - options.validation) * static_cast<double>(corpus.bytes));
  for (const ByteFile& text : corpus.texts) {
    const std::uint64_t start = corpus.cut;
    if (cut <= start + text.size()) {
      corpus.cut += at_a_character(text, cut - start);
      break;
    }
    corpus.cut += text.size();
  }
  if (options.validation > 0 && (corpus.cut == 0 || corpus.cut == corpus.bytes)) {
    throw Error(ExitCode::kFile, "a share of " + rounded(options.validation) + " of " +
                                     counted(corpus.bytes, "byte") +
                                     " leaves nothing to learn from, or nothing held out");
  }
  return corpus;
}

// The tokens of bytes [first, last) of the corpus; between two texts the end of one is marked.
void encode(const Corpus& corpus, std::uint64_t first, std::uint64_t last,
            const Tokenizer& tokenizer, TokenWriter& out, Meter& meter) {
  std::uint64_t start = 0;
  for (const ByteFile& text : corpus.texts) {
    const std::uint64_t begin = std::max(first, start) - start;
    const std::uint64_t end = std::clamp(last, start, start + text.size()) - start;
    start += text.size();
    if (begin >= end) continue;
    const std::optional<std::uint32_t> mark = tokenizer.end_of_text();
    if (out.size() > 0 && mark) out.write(std::span(&*mark, 1));
    encode_file(tokenizer, text, begin, end,
                [&](std::span<const std::uint32_t> tokens, std::uint64_t bytes) {
                  out.write(tokens);
                  meter.add(bytes, tokens.size());
                });
  }
}

fs::path place_for(const TokenizeOptions& options, const char* name) {
  const fs::path file = options.out / name;
  if (fs::exists(file)) {
    throw Error(ExitCode::kUsage, file.string() + " is there already: name another --out");
  }
  return file;
}

void tokenize(const TokenizeOptions& options) {
  const Corpus corpus = open_corpus(options);
  const auto tokenizer =
      read_tokenizer(options.tokenizer, options.vocabulary, options.merges, options.texts);
  const TokenFormat format =
      options.format == "nanogpt" ? TokenFormat::kNanoGpt : TokenFormat::kLlmC;
  fs::create_directories(options.out);
  const auto writer = [&](const char* name, std::uint64_t bytes) {
    return std::make_unique<TokenWriter>(place_for(options, name), format, tokenizer->size(),
                                         bytes);
  };
  const auto training = writer("train.bin", corpus.cut);
  const auto held_out =
      options.validation > 0 ? writer("val.bin", corpus.bytes - corpus.cut) : nullptr;
  Meter meter(corpus.bytes);
  encode(corpus, 0, corpus.cut, *tokenizer, *training, meter);
  if (held_out) encode(corpus, corpus.cut, corpus.bytes, *tokenizer, *held_out, meter);
  const double seconds = meter.finish();

  training->commit();
  if (held_out) held_out->commit();
  Table table({"file", "tokens"});
  table.add({(options.out / "train.bin").string(), std::to_string(training->size())});
  if (held_out) table.add({(options.out / "val.bin").string(), std::to_string(held_out->size())});
  if (tokenizer->name() == "characters") {
    write_atomically(options.out / "characters.txt", tokenizer->texts()[0]);
  }
  const std::uint64_t tokens = training->size() + (held_out ? held_out->size() : 0);
  const double rate = static_cast<double>(tokens) / std::max(seconds, 1e-9);
  std::cout << table.text() << "\n"
            << counted(tokenizer->size(), "token") << " in the vocabulary of " << tokenizer->name()
            << ", " << rounded(static_cast<double>(corpus.bytes) / static_cast<double>(tokens), 3)
            << " bytes a token, " << seconds_text(seconds) << ", " << rounded(rate, 3)
            << " tokens/s\n"
            << std::flush;
}

}  // namespace

ExitCode tokenize(const TokenizeOptions& options, Job& job) {
  agree(job.ranks(), Stream(), [&] {
    if (job.ranks().rank() == 0) tokenize(options);
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
