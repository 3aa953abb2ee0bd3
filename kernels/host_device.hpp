#pragma once

// Marks the scalar mathematics that CPU and CUDA twins share.
#ifdef __CUDACC__
#define BAYESUM_HOST_DEVICE __host__ __device__
#else
#define BAYESUM_HOST_DEVICE
#endif
