#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/files/input_file.hpp"

struct z_stream_s;

namespace bayesum {

// Where unpacking may begin inside a gzip file (RFC 1952, any number of members), so that what it
// unpacks to can be read at any place: from a point on, with the 32 KiB before it (RFC 1951) at
// hand, the rest follows. Points are a few MiB apart, a thousand of them at most.
class GzipIndex {
 public:
  // One pass over the whole file, which checks every checksum in it. Error(kFile) for what is
  // truncated, corrupt, or followed by other bytes than zeros to its end.
  explicit GzipIndex(const InputFile& file);

  struct Point {
    std::uint64_t packed = 0;    // the byte of the file at which to go on
    std::uint64_t unpacked = 0;  // the byte that comes next
    int bits = 0;                // of the byte before `packed` that are still to be read
    bool member = false;         // the header of a member follows, and no window is needed
    std::vector<unsigned char> window = {};
  };

  std::uint64_t size() const { return size_; }  // unpacked
  // The last point from which byte `at` can be reached.
  const Point& before(std::uint64_t at) const;

 private:
  void add(Point point);

  std::vector<Point> points_;
  std::uint64_t apart_;
  std::uint64_t size_ = 0;
};

bool is_gzip(const InputFile& file);

// Reads what a gzip file unpacks to. A read that goes on where the last one ended costs what it
// unpacks; any other one up to the distance of two points more.
class GzipReader {
 public:
  // Both must outlive it.
  GzipReader(const InputFile& file, const GzipIndex& index);
  ~GzipReader();

  // Fills `out` with the bytes from `first` on. Error(kFile) when the file is not what it was.
  void read(std::uint64_t first, std::span<std::byte> out);

 private:
  void start_at(const GzipIndex::Point& point);
  void unpack(std::span<std::byte> out);
  void begin_next_member();
  bool fill();

  const InputFile& file_;
  const GzipIndex& index_;
  std::unique_ptr<z_stream_s> stream_;
  std::vector<unsigned char> input_;
  std::uint64_t packed_ = 0;    // up to where the file has been read
  std::uint64_t unpacked_ = 0;  // up to where it has been unpacked
  bool started_ = false;
  bool raw_ = false;  // inside a member that was not read from its header on
};

}  // namespace bayesum
