#include "kernels/softmax_pass.hpp"

#include "kernels/cuda_launch.cuh"
#include "kernels/twins.hpp"

namespace bayesum::cuda {

void apply(const Stream& stream, const SoftmaxRows& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const AddGramBlock& op, std::size_t size) {
  for_each(stream, size, op);
}

}  // namespace bayesum::cuda
