#include "kernels/buffer.hpp"

#include <string>

#include "kernels/cuda_launch.cuh"
#include "kernels/twins.hpp"

namespace bayesum::cuda {
namespace {

bool on_host(const void* data) {
  cudaPointerAttributes attributes;
  check(cudaPointerGetAttributes(&attributes, data));
  return attributes.type == cudaMemoryTypeUnregistered || attributes.type == cudaMemoryTypeHost;
}

}  // namespace

void* allocate(Device device, std::size_t bytes) {
  if (device.index < 0 || device.index >= device_count()) Stream unavailable(device);
  check(cudaSetDevice(device.index));
  void* data = nullptr;
  if (cudaMalloc(&data, bytes) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    throw Error(ExitCode::kDevice,
                to_string(device) + " has no " + std::to_string(bytes) + " bytes of memory left");
  }
  check(cudaMemset(data, 0, bytes));
  check(cudaDeviceSynchronize());
  return data;
}

void release(Device device, void* data) noexcept {
  cudaSetDevice(device.index);
  cudaFree(data);
}

void copy(const Stream& stream, const void* from, void* to, std::size_t bytes) {
  const bool to_host = on_host(to);
  if (!to_host && on_host(from)) return stream.upload(from, to, bytes);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, queue(stream)));
  if (to_host) stream.synchronize();
}

}  // namespace bayesum::cuda
