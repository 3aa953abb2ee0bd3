#include "kernels/weights/draws.hpp"

#include "kernels/twins.hpp"
#include "kernels/weights/cuda_loops.cuh"

namespace bayesum::cuda {

void fill_normal(const Stream& stream, NoiseId id, std::uint64_t first_index,
                 std::span<float> out) {
  for_each_with_noise<NormalBlock>(stream, StoreNoise{out.data()}, {id, first_index}, out.size());
}

void apply(const Stream& stream, const GaussianSigma& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const SignOf& op, std::size_t size) { for_each(stream, size, op); }

void apply(const Stream& stream, const SignSigma& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const AddDeviationGradient& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const AddScaledSquare& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const AddSignGradient& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const DrawGaussian& op, NoiseStart noise, std::size_t size) {
  for_each_with_noise<NormalBlock>(stream, op, noise, size);
}

void apply(const Stream& stream, const DrawWithSd& op, NoiseStart noise, std::size_t size) {
  for_each_with_noise<NormalBlock>(stream, op, noise, size);
}

void apply(const Stream& stream, const DrawSign& op, NoiseStart noise, std::size_t size) {
  for_each_with_noise<LogisticBlock>(stream, op, noise, size);
}

void apply(const Stream& stream, const DrawSignWithSd& op, NoiseStart noise, std::size_t size) {
  for_each_with_noise<LogisticBlock>(stream, op, noise, size);
}

}  // namespace bayesum::cuda
