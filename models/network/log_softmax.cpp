#include "models/network/log_softmax.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/buffer.hpp"

namespace bayesum {

void log_softmax(const Stream& stream, MatrixView<const float> logits, std::size_t classes,
                 std::span<float> out) {
  std::vector<float> values(logits.rows * logits.cols);
  copy<float>(stream, std::span(logits.data, values.size()), values);
  for (std::size_t row = 0; row < logits.rows; ++row) {
    const std::span<const float> from = std::span(values).subspan(row * logits.cols, classes);
    const double largest = *std::ranges::max_element(from);
    double total = 0;
    for (const float z : from) total += std::exp(z - largest);
    const double log_total = largest + std::log(total);
    std::ranges::transform(from, out.begin() + static_cast<std::ptrdiff_t>(row * classes),
                           [&](float z) { return static_cast<float>(z - log_total); });
  }
}

}  // namespace bayesum
