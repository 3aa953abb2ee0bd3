#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cusolverDn.h>

#include <string>

#include "kernels/error.hpp"

// The one way in which CUDA's statuses become errors: each call is wrapped in check(...).
namespace bayesum::cuda {

[[noreturn]] inline void fail(const std::string& what, const char* file, int line) {
  throw Error(ExitCode::kDevice, what, file, line);
}

inline void check(cudaError_t status, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (status != cudaSuccess) {
    fail(std::string("CUDA failed: ") + cudaGetErrorString(status), file, line);
  }
}

inline void check(cublasStatus_t status, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    fail(std::string("cuBLAS failed: ") + cublasGetStatusString(status), file, line);
  }
}

inline void check(cusolverStatus_t status, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (status != CUSOLVER_STATUS_SUCCESS) {
    fail("cuSOLVER failed with status " + std::to_string(static_cast<int>(status)), file, line);
  }
}

}  // namespace bayesum::cuda
