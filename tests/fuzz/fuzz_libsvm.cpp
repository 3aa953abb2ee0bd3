#include "core/data/libsvm.hpp"
#include "tests/fuzz/table.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {

void read_input(std::span<const std::byte> bytes) {
  LibsvmFile table(file_of(bytes));
  const std::size_t width = table.widest(table.extent());
  if (width > 4096) return;  // naming so many columns takes its time
  table.set_width(width);
  read_table(table);
}

}  // namespace bayesum::fuzz
