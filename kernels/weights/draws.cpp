#include "kernels/weights/draws.hpp"

#include "kernels/twins.hpp"
#include "kernels/weights/loops.hpp"

namespace bayesum {

namespace cpu {

void fill_normal(const Stream&, NoiseId id, std::uint64_t first_index, std::span<float> out) {
  for_each_weight_with_noise<NormalBlock>(StoreNoise{out.data()}, {id, first_index}, out.size());
}

void apply(const Stream&, const GaussianSigma& op, std::size_t size) { for_each_weight(op, size); }
void apply(const Stream&, const SignOf& op, std::size_t size) { for_each_weight(op, size); }
void apply(const Stream&, const SignSigma& op, std::size_t size) { for_each_weight(op, size); }
void apply(const Stream&, const AddDeviationGradient& op, std::size_t size) {
  for_each_weight(op, size);
}
void apply(const Stream&, const AddScaledSquare& op, std::size_t size) {
  for_each_weight(op, size);
}
void apply(const Stream&, const AddSignGradient& op, std::size_t size) {
  for_each_weight(op, size);
}

void apply(const Stream&, const DrawGaussian& op, NoiseStart noise, std::size_t size) {
  for_each_weight_with_noise<NormalBlock>(op, noise, size);
}

void apply(const Stream&, const DrawWithSd& op, NoiseStart noise, std::size_t size) {
  for_each_weight_with_noise<NormalBlock>(op, noise, size);
}

void apply(const Stream&, const DrawSign& op, NoiseStart noise, std::size_t size) {
  for_each_weight_with_noise<LogisticBlock>(op, noise, size);
}

void apply(const Stream&, const DrawSignWithSd& op, NoiseStart noise, std::size_t size) {
  for_each_weight_with_noise<LogisticBlock>(op, noise, size);
}

}  // namespace cpu

void apply(const Stream& stream, const GaussianSigma& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const SignOf& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const SignSigma& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AddDeviationGradient& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AddScaledSquare& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AddSignGradient& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const DrawGaussian& op, NoiseStart noise, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, noise, size));
}

void apply(const Stream& stream, const DrawWithSd& op, NoiseStart noise, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, noise, size));
}

void apply(const Stream& stream, const DrawSign& op, NoiseStart noise, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, noise, size));
}

void apply(const Stream& stream, const DrawSignWithSd& op, NoiseStart noise, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, noise, size));
}

}  // namespace bayesum
