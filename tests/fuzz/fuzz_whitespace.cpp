#include "core/data/whitespace.hpp"
#include "tests/fuzz/table.hpp"
#include "tests/fuzz/target.hpp"

namespace bayesum::fuzz {

void read_input(std::span<const std::byte> bytes) { read_table(WhitespaceFile(file_of(bytes))); }

}  // namespace bayesum::fuzz
