#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace bayesum {

// The IDX files of MNIST and its followers (LeCun, Cortes, Burges: yann.lecun.com/exdb/mnist), as
// they are or packed by gzip: a magic number, the sizes as big-endian uint32, then bytes.

// Magic 0x00000803: count x rows x columns, one byte a pixel.
struct IdxImages {
  std::size_t count = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<std::uint8_t> pixels;
};

// Error(kFile) for another magic number, sizes that are 0 or whose product is too large for the
// file, fewer bytes than they say, or more.
IdxImages read_idx_images(const std::filesystem::path& path);

// Magic 0x00000801: one byte a label.
std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& path);

}  // namespace bayesum
