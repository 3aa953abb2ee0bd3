#pragma once

#include <cstddef>
#include <span>

#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// log softmax of the first `classes` columns of each row of logits on the stream's device, to host
// memory: rows x classes. Sums are float64. Logits lie without gaps.
void log_softmax(const Stream& stream, MatrixView<const float> logits, std::size_t classes,
                 std::span<float> out);

}  // namespace bayesum
