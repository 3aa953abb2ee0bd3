#pragma once

#include "kernels/network/attention.hpp"

// Attention by cuDNN, on tensor cores, in programs that were built with it. It takes BFloat16,
// heads of a multiple of 8 channels and rows at multiples of 16 bytes; what it does not take, or
// has no plan for on this GPU, is for the kernels in attention.cu. Sums are of float32;
// probabilities and their gradients are rounded to BFloat16 before they multiply values, keys and
// queries. Of its algorithms those are chosen that give the same bits in every run: the backward
// pass then holds two bytes for every score in scratch memory, 192 MiB for 8 sequences of 1024
// tokens and 12 heads. What would need more than 4 GiB is not taken.
namespace bayesum::cuda {

#ifdef BAYESUM_WITH_CUDNN
// Was it done? Error(kDevice) when cuDNN itself fails.
bool attention_by_cudnn(const Stream& stream, const Attention<BFloat16>& op);
bool attention_backward_by_cudnn(const Stream& stream, const AttentionBackward<BFloat16>& op);
#else
inline bool attention_by_cudnn(const Stream&, const Attention<BFloat16>&) { return false; }
inline bool attention_backward_by_cudnn(const Stream&, const AttentionBackward<BFloat16>&) {
  return false;
}
#endif

}  // namespace bayesum::cuda
