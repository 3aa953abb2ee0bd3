#pragma once

#include <span>

#include "core/weights/weight_message.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/network/cross_entropy.hpp"

namespace bayesum {

// Adds the first of the sums of a loss, or all of them, to the counts of a message: they come in
// the same order.
inline void add_counts(const Stream& stream, std::span<const double> sums,
                       std::span<double, WeightMessage::kScalars> counts) {
  static_assert(WeightMessage::kLoss == 0 && WeightMessage::kExamples == 1 &&
                WeightMessage::kCorrect == 2 && WeightMessage::kCorrect < kLossSums);
  apply(stream, AddScaled{.scale = 1, .x = sums.data(), .out = counts.data()}, sums.size());
}

}  // namespace bayesum
