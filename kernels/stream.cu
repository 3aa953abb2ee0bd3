#include "kernels/stream.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/cuda_check.cuh"
#include "kernels/twins.hpp"

namespace bayesum::cuda {
namespace {

// A piece of page-locked memory that a copy to the GPU reads, and when it has done so.
struct Slot {
  static constexpr std::size_t kBytes = std::size_t{1} << 20;

  void* memory = nullptr;
  cudaEvent_t read = nullptr;
};

// Handles, scratch memory and slots are made when first asked for.
class CudaQueue final : public Queue {
 public:
  explicit CudaQueue(Device device) : Queue(device) {
    make_current();
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }

  // Errors at the end have nobody to go to.
  ~CudaQueue() override {
    cudaSetDevice(device().index);
    cudaStreamSynchronize(stream_);
    if (solver_ != nullptr) cusolverDnDestroy(solver_);
    if (blas_ != nullptr) cublasDestroy(blas_);
    cudaFree(blas_workspace_);
    cudaFree(scratch_);
    for (const Slot& slot : slots_) {
      if (slot.read != nullptr) cudaEventDestroy(slot.read);
      cudaFreeHost(slot.memory);
    }
    cudaStreamDestroy(stream_);
  }

  void synchronize() override {
    make_current();
    check(cudaStreamSynchronize(stream_));
  }

  void* native() override {
    make_current();
    return stream_;
  }

  // A workspace of our own, so that cuBLAS gives the same bits in every run.
  void* blas() override {
    constexpr std::size_t kWorkspace = std::size_t{32} << 20;
    make_current();
    if (blas_ == nullptr) {
      check(cublasCreate(&blas_));
      check(cublasSetStream(blas_, stream_));
      check(cudaMalloc(&blas_workspace_, kWorkspace));
      check(cublasSetWorkspace(blas_, blas_workspace_, kWorkspace));
    }
    return blas_;
  }

  void* solver() override {
    make_current();
    if (solver_ == nullptr) {
      check(cusolverDnCreate(&solver_));
      check(cusolverDnSetStream(solver_, stream_));
    }
    return solver_;
  }

  void* scratch(std::size_t bytes) override {
    make_current();
    if (bytes > scratch_bytes_) {
      check(cudaStreamSynchronize(stream_));
      check(cudaFree(scratch_));
      scratch_ = nullptr;
      scratch_bytes_ = 0;
      check(cudaMalloc(&scratch_, bytes));
      scratch_bytes_ = bytes;
    }
    return scratch_;
  }

  void upload(const void* from, void* to, std::size_t bytes) override {
    make_current();
    for (std::size_t first = 0; first < bytes; first += Slot::kBytes) {
      const std::size_t size = std::min(Slot::kBytes, bytes - first);
      const Slot& slot = free_slot();
      std::memcpy(slot.memory, static_cast<const std::byte*>(from) + first, size);
      check(cudaMemcpyAsync(static_cast<std::byte*>(to) + first, slot.memory, size,
                            cudaMemcpyHostToDevice, stream_));
      check(cudaEventRecord(slot.read, stream_));
    }
  }

 private:
  void make_current() const { check(cudaSetDevice(device().index)); }

  // The slot whose turn it is, once its last copy is through.
  const Slot& free_slot() {
    Slot& slot = slots_[turn_++ % slots_.size()];
    if (slot.memory == nullptr) check(cudaMallocHost(&slot.memory, Slot::kBytes));
    if (slot.read == nullptr) {
      check(cudaEventCreateWithFlags(&slot.read, cudaEventDisableTiming));
    }
    check(cudaEventSynchronize(slot.read));
    return slot;
  }

  cudaStream_t stream_ = nullptr;
  cublasHandle_t blas_ = nullptr;
  void* blas_workspace_ = nullptr;
  cusolverDnHandle_t solver_ = nullptr;
  void* scratch_ = nullptr;
  std::size_t scratch_bytes_ = 0;
  std::array<Slot, 8> slots_;
  std::size_t turn_ = 0;
};

void check_index(int index) {
  const int count = device_count();
  if (index >= 0 && index < count) return;
  const std::string asked = to_string({DeviceKind::kCuda, index}) + " was asked for, but ";
  throw Error(ExitCode::kDevice, asked + (count == 0 ? "no GPU can be used: " + why_no_device()
                                                     : "the visible GPUs are cuda:0 to cuda:" +
                                                           std::to_string(count - 1)));
}

}  // namespace

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string why_no_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  return cudaGetErrorString(status == cudaSuccess ? cudaErrorNoDevice : status);
}

std::string device_description(int index) {
  check_index(index);
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, index));
  return std::string(properties.name) + ", " + std::to_string(properties.totalGlobalMem >> 20) +
         " MiB, compute capability " + std::to_string(properties.major) + "." +
         std::to_string(properties.minor);
}

std::shared_ptr<Queue> make_queue(Device device) {
  check_index(device.index);
  return std::make_shared<CudaQueue>(device);
}

}  // namespace bayesum::cuda
