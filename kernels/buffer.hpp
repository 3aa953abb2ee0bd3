#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "kernels/stream.hpp"

namespace bayesum {

namespace memory {
inline constexpr std::size_t kAlignment = 64;
void* allocate(Device device, std::size_t bytes);  // zeroed; Error(kDevice) when there is none left
void release(Device device, void* data) noexcept;
void copy(const Stream& stream, const void* from, void* to, std::size_t bytes);
void check_equal_sizes(std::size_t from, std::size_t to);  // Error(kUsage) when they differ
}  // namespace memory

// Zeroed, 64-byte aligned memory on one device; owned, movable, not copyable.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Device device, std::size_t size)
      : device_(device),
        size_(size),
        data_(size == 0 ? nullptr : static_cast<T*>(memory::allocate(device, size * sizeof(T)))) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() { memory::release(device_, data_); }

  Device device() const { return device_; }
  std::size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
  }

  Device device_{};
  std::size_t size_ = 0;
  T* data_ = nullptr;
};

// Copies between any two places of equal size, host or device, in the order of the stream. A copy
// to the host has finished when the call returns, and what is copied from there may be changed: see
// Stream::upload. Throws Error(kUsage) on unequal sizes.
template <class T>
void copy(const Stream& stream, std::span<const T> from, std::span<T> to) {
  memory::check_equal_sizes(from.size(), to.size());
  memory::copy(stream, from.data(), to.data(), from.size_bytes());
}

}  // namespace bayesum
