#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/bfloat16.hpp"
#include "kernels/parallel.hpp"

// What CPU twins of this folder are made of.
namespace bayesum::cpu {

inline constexpr std::size_t kElementGrain = 16384;

// body(i) over 0 .. size-1 in vector code.
template <class Body>
void for_each_element(std::size_t size, const Body& body) {
  parallel_ranges(size, kElementGrain, [&](std::size_t begin, std::size_t end) {
    BAYESUM_SIMD()
    for (std::size_t i = begin; i < end; ++i) body(i);
  });
}

// body(begin, end) over rows of so many columns, a few thousand elements at a time.
template <class Body>
void for_row_ranges(std::size_t rows, std::size_t cols, const Body& body) {
  const std::size_t grain = cols == 0 || cols > kElementGrain ? 1 : kElementGrain / cols;
  parallel_ranges(rows, grain, body);
}

}  // namespace bayesum::cpu
