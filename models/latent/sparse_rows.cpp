#include "models/latent/sparse_rows.hpp"

namespace bayesum {

SparseRows::SparseRows(const Batch& batch) {
  if (!batch.sparse.empty()) {
    view_ = batch.sparse;
    return;
  }
  for (std::size_t i = 0; i < batch.x.rows; ++i) {
    const double* const row = batch.x.data + i * batch.x.stride;
    for (std::size_t j = 0; j < batch.x.cols; ++j) {
      if (row[j] == 0) continue;
      column_.push_back(static_cast<std::uint32_t>(j));
      value_.push_back(row[j]);
    }
    row_start_.push_back(column_.size());
  }
  view_ = {row_start_, column_, value_, batch.x.cols};
}

}  // namespace bayesum
