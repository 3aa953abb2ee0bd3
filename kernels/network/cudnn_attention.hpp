#pragma once

#include "kernels/network/attention.hpp"

// Attention by cuDNN, on tensor cores, in programs that were built with it. It takes BFloat16,
// heads of a multiple of 8 channels and rows at multiples of 16 bytes; what it does not take, or
// not on a GPU of this kind, is for the kernels in attention.cu. Sums are of float32; probabilities
// and their gradients are rounded to BFloat16 before they multiply values, keys and queries. Of its
// algorithms those are chosen that give the same bits in every run: the backward pass then adds the
// gradient of queries up in scratch memory, a float32 for each element of `out` and each 128 of the
// sequence (192 MiB for 8 sequences of 1024 tokens and 768 channels).
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
