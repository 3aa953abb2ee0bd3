#include "kernels/elementwise.hpp"

#include "kernels/cuda_launch.cuh"
#include "kernels/twins.hpp"

namespace bayesum::cuda {

void apply(const Stream& stream, const Blend& op, std::size_t size) { for_each(stream, size, op); }

void apply(const Stream& stream, const AddScaled& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const AddScaledFloat& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const Scale& op, std::size_t size) { for_each(stream, size, op); }

void apply(const Stream& stream, const Fill& op, std::size_t size) { for_each(stream, size, op); }

void apply(const Stream& stream, const FillFloat& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const Multiply& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const LookUp& op, std::size_t size) { for_each(stream, size, op); }

void apply(const Stream& stream, const AddPackedPrecision& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const SquareElements& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const StudentTWeight& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const AddLogPrecisionGradient& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const AddLogPrecisionSquares& op, std::size_t size) {
  for_each(stream, size, op);
}

}  // namespace bayesum::cuda
