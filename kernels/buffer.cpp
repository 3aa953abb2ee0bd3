#include "kernels/buffer.hpp"

#include <cstdlib>
#include <cstring>
#include <string>

#include "kernels/error.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {

void* allocate(Device /*device*/, std::size_t bytes) {
  const std::size_t whole = (bytes + memory::kAlignment - 1) / memory::kAlignment;
  void* const data = whole * memory::kAlignment < bytes
                         ? nullptr
                         : std::aligned_alloc(memory::kAlignment, whole * memory::kAlignment);
  if (data == nullptr) {
    throw Error(ExitCode::kDevice,
                "the host has no " + std::to_string(bytes) + " bytes of memory left");
  }
  return std::memset(data, 0, bytes);
}

void release(Device /*device*/, void* data) noexcept { std::free(data); }

void copy(const Stream& /*stream*/, const void* from, void* to, std::size_t bytes) {
  std::memmove(to, from, bytes);
}

}  // namespace cpu

namespace memory {

void* allocate(Device device, std::size_t bytes) {
#ifdef BAYESUM_WITH_CUDA
  if (device.kind == DeviceKind::kCuda) return cuda::allocate(device, bytes);
#else
  if (device.kind == DeviceKind::kCuda) Stream unavailable(device);
#endif
  return cpu::allocate(device, bytes);
}

void release(Device device, void* data) noexcept {
  if (data == nullptr) return;
#ifdef BAYESUM_WITH_CUDA
  if (device.kind == DeviceKind::kCuda) return cuda::release(device, data);
#endif
  cpu::release(device, data);
}

void copy(const Stream& stream, const void* from, void* to, std::size_t bytes) {
  if (bytes != 0) BAYESUM_DISPATCH(stream, copy(stream, from, to, bytes));
}

void check_equal_sizes(std::size_t from, std::size_t to) {
  if (from == to) return;
  throw Error(ExitCode::kUsage,
              "a copy of " + std::to_string(from) + " elements into " + std::to_string(to));
}

}  // namespace memory

}  // namespace bayesum
