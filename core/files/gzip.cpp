#include "core/files/gzip.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <zlib.h>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kInput = std::size_t{256} << 10;
constexpr std::size_t kWindow = std::size_t{32} << 10;
constexpr std::uint64_t kApart = std::uint64_t{4} << 20;
constexpr std::size_t kMostPoints = 1024;
constexpr std::size_t kTrailer = 8;
constexpr int kGzip = 31;  // zlib's names for a format and the largest window
constexpr int kRaw = -15;
constexpr int kEndOfBlock = 128;  // in data_type, after inflate(Z_BLOCK)
constexpr int kLastBlock = 64;
constexpr int kBits = 7;

[[noreturn]] void refuse(const InputFile& file, const std::string& why) {
  throw Error(ExitCode::kFile, file.path().string() + " is no whole gzip file: " + why);
}

[[noreturn]] void refuse_end(const InputFile& file) {
  refuse(file, "it ends at byte " + std::to_string(file.size()) + " within packed data");
}

void check(const InputFile& file, const z_stream& stream, int code, std::uint64_t packed) {
  if (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR) return;
  if (code == Z_MEM_ERROR) throw Error(ExitCode::kDevice, "out of memory for zlib");
  refuse(file, std::string(stream.msg == nullptr ? "bad data" : stream.msg) + " before byte " +
                   std::to_string(packed - stream.avail_in));
}

// Reads the next piece of the file where all before it has been used; false at its end.
bool refill(const InputFile& file, z_stream& stream, std::vector<unsigned char>& input,
            std::uint64_t& packed) {
  if (stream.avail_in > 0) return true;
  const std::size_t count = std::min<std::uint64_t>(input.size(), file.size() - packed);
  if (count == 0) return false;
  file.read(packed, std::as_writable_bytes(std::span(input)).first(count));
  packed += count;
  stream.next_in = input.data();
  stream.avail_in = static_cast<unsigned>(count);
  return true;
}

// After the last member tapes and some tools fill a file up with zero bytes: from the first of them
// on there must be nothing else.
void check_padding(const InputFile& file, std::uint64_t first, std::vector<unsigned char>& buffer) {
  for (std::uint64_t at = first; at < file.size();) {
    const std::size_t count = std::min<std::uint64_t>(buffer.size(), file.size() - at);
    const auto piece = std::span(buffer).first(count);
    file.read(at, std::as_writable_bytes(piece));
    const auto other = std::ranges::find_if(piece, [](unsigned char byte) { return byte != 0; });
    at += static_cast<std::uint64_t>(other - piece.begin());
    if (other == piece.end()) continue;
    refuse(file, "the " + std::to_string(at - first) + " zero bytes from byte " +
                     std::to_string(first) + " on are followed by others");
  }
}

struct End {
  void operator()(z_stream* stream) const {
    inflateEnd(stream);
    delete stream;
  }
};

}  // namespace

bool is_gzip(const InputFile& file) {
  std::array<std::byte, 2> magic{};
  if (file.size() < magic.size()) return false;
  file.read(0, magic);
  return magic == std::array{std::byte{0x1f}, std::byte{0x8b}};
}

GzipIndex::GzipIndex(const InputFile& file) : apart_(kApart) {
  const std::unique_ptr<z_stream, End> stream(new z_stream{});
  if (inflateInit2(stream.get(), kGzip) != Z_OK) {
    throw Error(ExitCode::kDevice, "out of memory for zlib");
  }
  std::vector<unsigned char> input(kInput), output(kInput);
  std::uint64_t packed = 0;
  add({.member = true});
  while (true) {
    if (!refill(file, *stream, input, packed)) refuse_end(file);
    stream->next_out = output.data();
    stream->avail_out = static_cast<unsigned>(output.size());
    const int code = inflate(stream.get(), Z_BLOCK);
    check(file, *stream, code, packed);
    size_ += output.size() - stream->avail_out;
    if (code == Z_STREAM_END) {
      if (!refill(file, *stream, input, packed)) return;
      if (*stream->next_in == 0) {
        check_padding(file, packed - stream->avail_in, output);
        return;
      }
      inflateReset(stream.get());
      add({.packed = packed - stream->avail_in, .unpacked = size_, .member = true});
    } else if ((stream->data_type & (kEndOfBlock | kLastBlock)) == kEndOfBlock &&
               size_ >= points_.back().unpacked + apart_) {
      Point point{.packed = packed - stream->avail_in,
                  .unpacked = size_,
                  .bits = stream->data_type & kBits,
                  .window = std::vector<unsigned char>(kWindow)};
      unsigned length = 0;
      inflateGetDictionary(stream.get(), point.window.data(), &length);
      point.window.resize(length);
      add(std::move(point));
    }
  }
}

// Where there are too many points, every other one goes, and from then on they are further apart.
void GzipIndex::add(Point point) {
  if (!points_.empty() && point.unpacked < points_.back().unpacked + apart_) return;
  if (points_.size() == kMostPoints) {
    for (std::size_t i = 0; 2 * i < kMostPoints; ++i) points_[i] = std::move(points_[2 * i]);
    points_.resize(kMostPoints / 2);
    apart_ *= 2;
  }
  points_.push_back(std::move(point));
}

const GzipIndex::Point& GzipIndex::before(std::uint64_t at) const {
  const auto after = std::upper_bound(
      points_.begin(), points_.end(), at,
      [](std::uint64_t byte, const Point& point) { return byte < point.unpacked; });
  return *std::prev(after);
}

GzipReader::GzipReader(const InputFile& file, const GzipIndex& index)
    : file_(file), index_(index), stream_(new z_stream{}), input_(kInput) {
  if (inflateInit2(stream_.get(), kGzip) != Z_OK) {
    throw Error(ExitCode::kDevice, "out of memory for zlib");
  }
}

GzipReader::~GzipReader() { inflateEnd(stream_.get()); }

void GzipReader::read(std::uint64_t first, std::span<std::byte> out) {
  if (first + out.size() > index_.size()) refuse_end(file_);
  const GzipIndex::Point& point = index_.before(first);
  if (!started_ || unpacked_ > first || unpacked_ < point.unpacked) start_at(point);
  std::vector<std::byte> skipped(std::min<std::uint64_t>(kInput, first - unpacked_));
  while (unpacked_ < first) {
    unpack(std::span(skipped).first(std::min<std::uint64_t>(skipped.size(), first - unpacked_)));
  }
  unpack(out);
}

void GzipReader::start_at(const GzipIndex::Point& point) {
  started_ = true;
  raw_ = !point.member;
  packed_ = point.packed - (point.bits > 0 ? 1 : 0);
  unpacked_ = point.unpacked;
  stream_->avail_in = 0;
  inflateReset2(stream_.get(), raw_ ? kRaw : kGzip);
  if (!raw_) return;
  if (point.bits > 0) {
    if (!fill()) refuse_end(file_);
    inflatePrime(stream_.get(), point.bits, *stream_->next_in >> (8 - point.bits));
    ++stream_->next_in;
    --stream_->avail_in;
  }
  inflateSetDictionary(stream_.get(), point.window.data(),
                       static_cast<unsigned>(point.window.size()));
}

void GzipReader::unpack(std::span<std::byte> out) {
  while (!out.empty()) {
    if (!fill()) refuse_end(file_);
    const std::size_t wanted = std::min<std::size_t>(out.size(), std::size_t{1} << 30);
    stream_->next_out = reinterpret_cast<unsigned char*>(out.data());
    stream_->avail_out = static_cast<unsigned>(wanted);
    const int code = inflate(stream_.get(), Z_NO_FLUSH);
    check(file_, *stream_, code, packed_);
    const std::size_t count = wanted - stream_->avail_out;
    unpacked_ += count;
    out = out.subspan(count);
    if (code == Z_STREAM_END) begin_next_member();
  }
}

void GzipReader::begin_next_member() {
  for (std::size_t i = 0; raw_ && i < kTrailer; ++i) {
    if (!fill()) refuse_end(file_);
    ++stream_->next_in;
    --stream_->avail_in;
  }
  raw_ = false;
  inflateReset2(stream_.get(), kGzip);
}

bool GzipReader::fill() { return refill(file_, *stream_, input_, packed_); }

}  // namespace bayesum
