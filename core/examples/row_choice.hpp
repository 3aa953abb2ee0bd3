#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "core/examples/read_rows.hpp"

namespace bayesum {

// Those rows of a file of `count`, by ascending number, that the source means. Error(kFile) naming
// file and line for a number that is no row's, or is named twice; and when none are left.
std::vector<std::size_t> chosen_rows(const RowSource& source, std::size_t count);

// What values lose and are divided by.
struct Standardization {
  double mean = 0;
  double sd = 1;
};

// Of value(i), i < count; the standard deviation of what is constant is 1.
template <class Value>
Standardization standardization_of(std::size_t count, const Value& value) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < count; ++i) sum += value(i);
  const double mean = sum / static_cast<double>(count);
  for (std::size_t i = 0; i < count; ++i) squares += (value(i) - mean) * (value(i) - mean);
  const double sd = std::sqrt(squares / static_cast<double>(count));
  const bool constant = !(sd > 1e-12 * std::abs(mean)) || sd == 0;
  return {mean, constant ? 1.0 : sd};
}

}  // namespace bayesum
