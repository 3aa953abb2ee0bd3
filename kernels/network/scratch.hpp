#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/buffer.hpp"
#include "kernels/parallel.hpp"

namespace bayesum::cpu {

// Memory for the intermediate results of one operation, a piece for each of its OpenMP threads,
// kept for the next operation of the calling thread, so that loops over steps do not allocate. One
// at a time in a thread.
class ThreadScratch {
 public:
  explicit ThreadScratch(std::size_t floats_per_thread)
      : piece_((floats_per_thread + kAlign - 1) / kAlign * kAlign) {
    thread_local Buffer<float> memory;
    const std::size_t size = piece_ * static_cast<std::size_t>(std::max(1, thread_count()));
    if (memory.size() < size) memory = Buffer<float>(Device{}, size);
    data_ = memory.data();
  }

  // The piece of the thread that asks, 64-byte aligned; what is in it is left over.
  float* mine() const { return data_ + piece_ * static_cast<std::size_t>(thread_index()); }

 private:
  static constexpr std::size_t kAlign = 16;

  std::size_t piece_;
  float* data_;
};

}  // namespace bayesum::cpu
