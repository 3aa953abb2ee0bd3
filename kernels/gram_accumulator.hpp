#pragma once

#include <cstddef>
#include <span>

#include "kernels/buffer.hpp"
#include "kernels/matrix.hpp"

namespace bayesum::cpu {

// One thread's X' diag(w) X, fed row block by row block.
//
// Columns are copied, kGramRows rows at a time, into panels as wide as a register tile, once as
// they are and once times w. A tile of the product then stays in registers while it runs down two
// panels that stay in cache. Only tiles that touch the lower triangle are computed.
class GramAccumulator {
 public:
  explicit GramAccumulator(std::size_t dimension);

  void clear();
  void add(MatrixView<const double> x, const double* weight);  // null weight: ones
  void add_to(std::span<double> packed) const;                 // packed += the lower triangle

 private:
  void pack(MatrixView<const double> x, const double* weight);

  std::size_t dimension_;
  std::size_t padded_;  // dimension_ rounded up to whole panels
  Buffer<double> panels_;
  Buffer<double> weighted_panels_;
  Buffer<double> sum_;  // padded_ x padded_
};

inline constexpr std::size_t kGramRows = 128;

}  // namespace bayesum::cpu
