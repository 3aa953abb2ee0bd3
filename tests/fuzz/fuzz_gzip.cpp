#include <algorithm>
#include <vector>

#include "core/files/byte_file.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {

// What a packed file holds is the same from beginning to end and piece by piece from the end.
void read_input(std::span<const std::byte> bytes) {
  constexpr std::uint64_t kMost = 1 << 20, kPiece = 4099;
  const ByteFile file(file_of(bytes));
  const std::uint64_t size = std::min(file.size(), kMost);
  std::vector<std::byte> forwards(size), backwards(size);
  ByteReader reader(file);
  reader.read(0, forwards);
  for (std::uint64_t last = size; last > 0;) {
    const std::uint64_t first = last - std::min(last, kPiece);
    reader.read(first, std::span(backwards).subspan(first, last - first));
    last = first;
  }
  require(forwards == backwards, "other bytes when read backwards");
}

}  // namespace bayesum::fuzz
