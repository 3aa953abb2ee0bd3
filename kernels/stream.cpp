#include "kernels/stream.hpp"

#include <cblas.h>

#include "kernels/error.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {

// Threads of a rank are OpenMP's, over fixed blocks; each call of BLAS has one thread, so that its
// bits do not depend on their number.
std::shared_ptr<Queue> make_queue(Device device) {
  [[maybe_unused]] static const bool once = (openblas_set_num_threads(1), true);
  if (device.index != 0) {
    throw Error(ExitCode::kDevice, "cpu:" + std::to_string(device.index) +
                                       " was asked for, but the CPU is one device: cpu");
  }
  return std::make_shared<Queue>(device);
}

}  // namespace cpu

std::string to_string(Device device) {
  return device.kind == DeviceKind::kCpu ? "cpu" : "cuda:" + std::to_string(device.index);
}

#ifdef BAYESUM_WITH_CUDA

bool built_with_cuda() { return true; }
int cuda_device_count() { return cuda::device_count(); }
std::string cuda_device_description(int index) { return cuda::device_description(index); }

Stream::Stream(Device device)
    : queue_(device.kind == DeviceKind::kCuda ? cuda::make_queue(device)
                                              : cpu::make_queue(device)) {}

#else

namespace {

[[noreturn]] void throw_without_cuda(Device device) {
  throw Error(ExitCode::kDevice,
              to_string(device) + " was asked for, but this program was built without CUDA");
}

}  // namespace

bool built_with_cuda() { return false; }
int cuda_device_count() { return 0; }
std::string cuda_device_description(int index) { throw_without_cuda({DeviceKind::kCuda, index}); }

Stream::Stream(Device device) {
  if (device.kind == DeviceKind::kCuda) throw_without_cuda(device);
  queue_ = cpu::make_queue(device);
}

#endif

Device Stream::device() const { return queue_->device(); }
void Stream::synchronize() const { queue_->synchronize(); }
void* Stream::native() const { return queue_->native(); }
void* Stream::blas() const { return queue_->blas(); }
void* Stream::solver() const { return queue_->solver(); }
void* Stream::scratch(std::size_t bytes) const { return queue_->scratch(bytes); }
void Stream::upload(const void* from, void* to, std::size_t bytes) const {
  queue_->upload(from, to, bytes);
}

}  // namespace bayesum
