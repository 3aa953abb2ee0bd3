#include "kernels/weights/steps.hpp"

#include "kernels/twins.hpp"
#include "kernels/weights/cuda_loops.cuh"

namespace bayesum::cuda {

void apply(const Stream& stream, const IvonStep& op, std::size_t size) {
  with_form(op.form,
            [&](auto form) { for_each(stream, size, IvonUpdate<decltype(form)::value>{op}); });
}

void apply(const Stream& stream, const IvonStep& op, const NextDraw& next, std::size_t size) {
  with_form(op.form, [&](auto form) {
    const IvonUpdateAndDraw<decltype(form)::value> fused{op, next.inverse_root_ess, next.theta};
    for_each_with_noise<NormalBlock>(stream, fused, next.noise, size);
  });
}

void apply(const Stream& stream, const AdamStep& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const SgdStep& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const VadamStep& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const VognStep& op, std::size_t size) {
  for_each(stream, size, op);
}

void apply(const Stream& stream, const BernoulliStep& op, std::size_t size) {
  for_each(stream, size, op);
}

}  // namespace bayesum::cuda
