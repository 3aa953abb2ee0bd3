#include "core/examples/idx.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {

// The same bytes are images, labels, or neither.
void read_input(std::span<const std::byte> bytes) {
  const auto path = file_of(bytes);
  const bool of_labels = bytes.size() > 3 && bytes[3] == std::byte{1};
  if (of_labels) {
    require(!read_idx_labels(path).empty(), "no labels");
  } else {
    const IdxImages images = read_idx_images(path);
    require(images.count > 0 && images.pixels.size() == images.count * images.rows * images.columns,
            "pixels that are not those of the sizes");
  }
}

}  // namespace bayesum::fuzz
