#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace bayesum {

enum class DeviceKind { kCpu, kCuda };

// Where memory lives and work runs: the host's processors, or one GPU by its index among the
// visible ones.
struct Device {
  DeviceKind kind = DeviceKind::kCpu;
  int index = 0;

  friend bool operator==(const Device&, const Device&) = default;
};

std::string to_string(Device device);  // "cpu", "cuda:0"

// Was the program built with CUDA? If so, how many GPUs can it use right now, and what are they?
bool built_with_cuda();
int cuda_device_count();                         // 0 without a driver, a GPU, or CUDA in the build
std::string cuda_device_description(int index);  // name, memory, compute capability

class Queue;

// An ordered queue of work on one device. Always an argument, never a global. On the CPU every
// operation has finished when its call returns; on CUDA it is queued. A Stream is a handle: copies
// share the queue. One thread at a time gives work to one queue.
class Stream {
 public:
  // Throws Error(kDevice) when the device is not there: nothing ever falls back silently.
  explicit Stream(Device device = {});

  Device device() const;
  bool on_cuda() const { return device().kind == DeviceKind::kCuda; }
  void synchronize() const;  // waits; reports errors of earlier work as Error(kDevice)

  // Opaque CUDA handles, null on the CPU: cudaStream_t, cublasHandle_t, cusolverDnHandle_t. Asking
  // for one makes its GPU the current one of the calling thread.
  void* native() const;
  void* blas() const;
  void* solver() const;

  // Memory of the GPU for the intermediate results of one operation, kept for the next; null on the
  // CPU. Each call hands out the same memory again, in the order of the stream.
  void* scratch(std::size_t bytes) const;

  // Copies from the host to the device, in the order of the stream. The source is read before the
  // call returns, yet the host does not wait for what is queued: a GPU copies from memory of the
  // stream's own, and only where the host is some copies ahead does it wait for one of them.
  void upload(const void* from, void* to, std::size_t bytes) const;

 private:
  std::shared_ptr<Queue> queue_;
};

}  // namespace bayesum
