#include "kernels/network/dropout.hpp"

#include <cstdint>
#include <string>

#include "kernels/error.hpp"
#include "kernels/network/check.hpp"
#include "kernels/network/elements.hpp"
#include "kernels/network/half_word_loop.hpp"
#include "kernels/network/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

template <class T>
void drop(const Dropout<T>& op) {
  with_half_words(op.id, op.first_index, op.out.size(), DropElement<T>(op));
}

}  // namespace

void dropout(const Stream&, const Dropout<float>& op) { drop(op); }
void dropout(const Stream&, const Dropout<BFloat16>& op) { drop(op); }

}  // namespace cpu

namespace {

template <class T>
void check_and_drop(const Stream& stream, const Dropout<T>& op) {
  check_size("the input of dropout", op.x.size(), op.out.size());
  if (!(op.rate >= 0.0f && op.rate < 1.0f) || dropout_threshold(op.rate) == 0) {
    throw Error(ExitCode::kUsage,
                "a dropout rate of " + std::to_string(op.rate) + " is not in 0 .. 1");
  }
  BAYESUM_DISPATCH(stream, dropout(stream, op));
}

}  // namespace

void dropout(const Stream& stream, const Dropout<float>& op) { check_and_drop(stream, op); }
void dropout(const Stream& stream, const Dropout<BFloat16>& op) { check_and_drop(stream, op); }

}  // namespace bayesum
