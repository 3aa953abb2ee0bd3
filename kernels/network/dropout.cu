#include "kernels/network/dropout.hpp"

#include "kernels/network/elements.hpp"
#include "kernels/network/half_words.cuh"
#include "kernels/network/twins.hpp"

namespace bayesum::cuda {

void dropout(const Stream& stream, const Dropout<float>& op) {
  with_half_words(stream, op.id, op.first_index, op.out.size(), DropElement<float>(op));
}

void dropout(const Stream& stream, const Dropout<BFloat16>& op) {
  with_half_words(stream, op.id, op.first_index, op.out.size(), DropElement<BFloat16>(op));
}

}  // namespace bayesum::cuda
