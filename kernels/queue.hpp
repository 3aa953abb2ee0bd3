#pragma once

#include <cstddef>
#include <cstring>

#include "kernels/stream.hpp"

namespace bayesum {

// What a Stream is a handle of. As it stands this is the queue of the CPU, where every operation
// has finished when its call returns; kernels/stream.cu derives the queue of a GPU.
class Queue {
 public:
  explicit Queue(Device device) : device_(device) {}
  virtual ~Queue() = default;
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  Device device() const { return device_; }
  virtual void synchronize() {}
  virtual void* native() { return nullptr; }
  virtual void* blas() { return nullptr; }
  virtual void* solver() { return nullptr; }
  virtual void* scratch(std::size_t /*bytes*/) { return nullptr; }
  virtual void upload(const void* from, void* to, std::size_t bytes) {
    std::memcpy(to, from, bytes);
  }

 private:
  Device device_;
};

}  // namespace bayesum
