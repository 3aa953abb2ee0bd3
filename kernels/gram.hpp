#pragma once

#include <span>

#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// packed += X' diag(w) X, the lower triangle packed row by row (kernels/matrix.hpp); X is n x d, w
// has n elements, or is empty for all ones; a GPU takes its square root, so no element is negative.
// Throws Error(kUsage) when the sizes do not fit.
//
// Rows are cut into fixed blocks that stay in cache, the blocks dealt to a fixed number of lanes,
// the lanes added in order: the same bits for any number of threads.
void weighted_gram(const Stream& stream, MatrixView<const double> x, std::span<const double> w,
                   std::span<double> packed);

// out += X' w, summed in the same fixed order. w has n elements, out d.
void weighted_column_sum(const Stream& stream, MatrixView<const double> x,
                         std::span<const double> w, std::span<double> out);

}  // namespace bayesum
