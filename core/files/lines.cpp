#include "core/files/lines.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kChunk = std::size_t{4} << 20;
constexpr std::size_t kLongestLine = std::size_t{64} << 20;

}  // namespace

Lines::Lines(const ByteFile& file, Range body, Range bytes)
    : file_(file),
      file_end_(body.last),
      last_(bytes.last),
      origin_(bytes.first),
      buffer_(std::min(kChunk, bytes.size() + (std::size_t{64} << 10))) {
  if (bytes.first > body.first && bytes.size() > 0) {
    origin_ = bytes.first - 1;
    std::string_view of_the_range_before;
    next(of_the_range_before);
    hashed_ = cursor_;
  }
}

bool Lines::next(std::string_view& line) {
  std::size_t searched = 0;
  while (origin_ + cursor_ < last_) {
    const char* const begin = buffer_.data() + cursor_;
    const std::size_t available = loaded_ - cursor_;
    const void* const newline = std::memchr(begin + searched, '\n', available - searched);
    if (newline == nullptr && origin_ + loaded_ < file_end_) {
      searched = available;
      load_more();
      continue;
    }
    const std::size_t size =
        newline == nullptr ? available : static_cast<const char*>(newline) - begin;
    start_ = origin_ + cursor_;
    cursor_ += newline == nullptr ? size : size + 1;
    line = {begin, size > 0 && begin[size - 1] == '\r' ? size - 1 : size};
    return true;
  }
  return false;
}

std::uint64_t Lines::hash() {
  hash_lines_read();
  return hash_.value();
}

void Lines::hash_lines_read() {
  hash_.add(std::as_bytes(std::span(buffer_)).subspan(hashed_, cursor_ - hashed_));
  hashed_ = cursor_;
}

void Lines::load_more() {
  hash_lines_read();
  std::memmove(buffer_.data(), buffer_.data() + cursor_, loaded_ - cursor_);
  origin_ += cursor_;
  loaded_ -= cursor_;
  cursor_ = hashed_ = 0;
  if (loaded_ == buffer_.size()) {
    if (loaded_ >= kLongestLine) {
      throw Error(ExitCode::kFile, file_.path().string() + ": the line that starts at byte " +
                                       std::to_string(origin_) + " is longer than " +
                                       std::to_string(kLongestLine) + " bytes");
    }
    buffer_.resize(std::min(kLongestLine, 2 * buffer_.size()));
  }
  const std::size_t count = std::min(buffer_.size() - loaded_, file_end_ - origin_ - loaded_);
  file_.read(origin_ + loaded_, std::as_writable_bytes(std::span(buffer_)).subspan(loaded_, count));
  loaded_ += count;
}

std::uint64_t text_start(const ByteFile& file) {
  constexpr std::array kMark{std::byte{0xEF}, std::byte{0xBB}, std::byte{0xBF}};
  std::array<std::byte, kMark.size()> start{};
  if (file.size() < start.size()) return 0;
  ByteReader(file).read(0, start);
  return start == kMark ? start.size() : 0;
}

std::size_t line_of(const ByteFile& file, std::uint64_t byte) {
  ByteReader reader(file);
  std::vector<std::byte> chunk(std::min<std::uint64_t>(kChunk, byte));
  std::size_t line = 1;
  for (std::uint64_t at = 0; at < byte; at += chunk.size()) {
    chunk.resize(std::min<std::uint64_t>(chunk.size(), byte - at));
    reader.read(at, chunk);
    line += std::count(chunk.begin(), chunk.end(), std::byte{'\n'});
  }
  return line;
}

}  // namespace bayesum
