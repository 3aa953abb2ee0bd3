#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/data/dataset.hpp"
#include "kernels/sparse.hpp"

namespace bayesum {

// The rows of a batch in host memory in their sparse form: as they were given, or made from dense
// ones, whose zeros are left out.
class SparseRows {
 public:
  explicit SparseRows(const Batch& batch);
  SparseRows(const SparseRows&) = delete;
  SparseRows& operator=(const SparseRows&) = delete;

  const SparseView& view() const { return view_; }

 private:
  std::vector<std::size_t> row_start_{0};
  std::vector<std::uint32_t> column_;
  std::vector<double> value_;
  SparseView view_;
};

}  // namespace bayesum
