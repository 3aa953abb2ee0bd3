#include "kernels/weights/steps.hpp"

#include "kernels/twins.hpp"
#include "kernels/weights/loops.hpp"

namespace bayesum {

namespace cpu {

void apply(const Stream&, const IvonStep& op, std::size_t size) {
  with_form(op.form, [&](auto form) { for_each_weight(IvonUpdate<form()>{op}, size); });
}

void apply(const Stream&, const IvonStep& op, const NextDraw& next, std::size_t size) {
  with_form(op.form, [&](auto form) {
    for_each_weight_with_noise<NormalBlock>(
        IvonUpdateAndDraw<form()>{op, next.inverse_root_ess, next.theta}, next.noise, size);
  });
}

void apply(const Stream&, const AdamStep& op, std::size_t size) { for_each_weight(op, size); }
void apply(const Stream&, const SgdStep& op, std::size_t size) { for_each_weight(op, size); }
void apply(const Stream&, const VadamStep& op, std::size_t size) { for_each_weight(op, size); }
void apply(const Stream&, const VognStep& op, std::size_t size) { for_each_weight(op, size); }
void apply(const Stream&, const BernoulliStep& op, std::size_t size) { for_each_weight(op, size); }

}  // namespace cpu

void apply(const Stream& stream, const IvonStep& op, const NextDraw& next, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, next, size));
}

void apply(const Stream& stream, const IvonStep& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const AdamStep& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const SgdStep& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const VadamStep& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const VognStep& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

void apply(const Stream& stream, const BernoulliStep& op, std::size_t size) {
  BAYESUM_DISPATCH(stream, apply(stream, op, size));
}

}  // namespace bayesum
