#include "kernels/elementwise.hpp"

#include "kernels/parallel.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

template <class Op>
void for_each(const Op& op, std::size_t size) {
  constexpr std::size_t kGrain = 16384;
  parallel_ranges(size, kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) op(i);
  });
}

}  // namespace

void apply(const Stream&, const Blend& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const AddScaled& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const AddScaledFloat& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const Scale& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const Fill& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const FillFloat& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const Multiply& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const LookUp& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const AddPackedPrecision& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const SquareElements& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const StudentTWeight& op, std::size_t size) { for_each(op, size); }
void apply(const Stream&, const AddLogPrecisionGradient& op, std::size_t size) {
  for_each(op, size);
}
void apply(const Stream&, const AddLogPrecisionSquares& op, std::size_t size) {
  for_each(op, size);
}

}  // namespace cpu

void apply(const Stream& stream, const Blend& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AddScaled& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AddScaledFloat& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const Scale& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const Fill& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const FillFloat& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const Multiply& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const LookUp& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AddPackedPrecision& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const SquareElements& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const StudentTWeight& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AddLogPrecisionGradient& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AddLogPrecisionSquares& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

}  // namespace bayesum
