#pragma once

#include <vector>

#include "core/data/dataset.hpp"
#include "kernels/buffer.hpp"

namespace bayesum {

// Reduces batches to the rows of some groups: the others get the weight zero, which takes them out
// of every sum that a model makes.
class RowFilter {
 public:
  // `keep` says of each of Dataset::groups() whether its rows are kept; empty: all are.
  RowFilter(const Stream& stream, const std::vector<bool>& keep);

  struct Kept {
    Batch batch;      // its weights are valid until the next call
    double rows = 0;  // how many are kept
  };
  // Error(kUsage) when rows are to be told apart and the batch has no groups.
  Kept apply(const Stream& stream, const Batch& batch);

 private:
  Buffer<double> keep_;     // 1 or 0 by group; empty: all
  Buffer<double> kept_;     // the same by row
  Buffer<double> weights_;  // of the rows that are kept
};

}  // namespace bayesum
