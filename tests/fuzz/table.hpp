#pragma once

#include "core/data/table_file.hpp"

namespace bayesum::fuzz {

// Reads every column of every row, as numbers and as texts, whole and in parts: the rows are the
// same.
void read_table(const TableFile& table);

}  // namespace bayesum::fuzz
