#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#define BAYESUM_OMP(...) _Pragma(#__VA_ARGS__)
#else
#define BAYESUM_OMP(...)
#endif

// Vector code for the loop behind it, no iteration of which depends on another; sums may be named,
// reduction(+ : x), whose order depends on the processor that the program was compiled for, not on
// threads.
#define BAYESUM_SIMD(...) _Pragma(BAYESUM_SIMD_TEXT(omp simd __VA_ARGS__))
#define BAYESUM_SIMD_TEXT(...) #__VA_ARGS__

// The threads of CPU twins. Work is cut into pieces that depend on shapes alone, never on the
// number of threads, and partial sums are added in the order of the pieces: the same bits for any
// number of threads, and without OpenMP. Bodies must not throw.
namespace bayesum::cpu {

inline int thread_count() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

// Of what this thread starts from here on.
inline void set_thread_count([[maybe_unused]] int threads) {
#ifdef _OPENMP
  omp_set_num_threads(threads);
#endif
}

// The number of the calling thread among those of the loop it is in.
inline int thread_index() {
#ifdef _OPENMP
  return omp_get_thread_num();
#else
  return 0;
#endif
}

// body(i) for i = 0 .. count-1, in any order.
template <class Body>
void parallel_for(std::size_t count, const Body& body) {
  const auto last = static_cast<std::ptrdiff_t>(count);
  BAYESUM_OMP(omp parallel for schedule(static) if (last > 1))
  for (std::ptrdiff_t i = 0; i < last; ++i) body(static_cast<std::size_t>(i));
}

// body(begin, end) over 0 .. size-1 cut into ranges of `grain`.
template <class Body>
void parallel_ranges(std::size_t size, std::size_t grain, const Body& body) {
  parallel_for((size + grain - 1) / grain, [&](std::size_t range) {
    body(range * grain, std::min(size, (range + 1) * grain));
  });
}

inline constexpr std::size_t kLanes = 32;

// A long sum over blocks 0 .. blocks-1. At most kLanes lanes each sum a run of consecutive blocks
// into an accumulator, and the lanes are merged in order:
//   for each lane: accumulator.clear(); accumulator.add(block) for its blocks; merge(accumulator)
// There are as many accumulators as threads; `make()` makes one.
template <class Make, class Merge>
void sum_in_lanes(std::size_t blocks, const Make& make, const Merge& merge) {
  const std::size_t lanes = std::min(blocks, kLanes);
  const int threads = static_cast<int>(
      std::min<std::size_t>(lanes, static_cast<std::size_t>(std::max(1, thread_count()))));
  std::vector<decltype(make())> accumulators;
  for (int thread = 0; thread < threads; ++thread) accumulators.push_back(make());
  auto* const next_accumulator = accumulators.data();
  const auto last = static_cast<std::ptrdiff_t>(lanes);
  BAYESUM_OMP(omp parallel for ordered schedule(static, 1) num_threads(threads))
  for (std::ptrdiff_t i = 0; i < last; ++i) {
    auto& accumulator = next_accumulator[thread_index()];
    const auto lane = static_cast<std::size_t>(i);
    accumulator.clear();
    for (std::size_t block = lane * blocks / lanes; block < (lane + 1) * blocks / lanes; ++block) {
      accumulator.add(block);
    }
    BAYESUM_OMP(omp ordered)
    merge(accumulator);
  }
}

}  // namespace bayesum::cpu
