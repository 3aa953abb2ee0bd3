#include "core/data/row_filter.hpp"

#include <utility>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "kernels/reduce.hpp"

namespace bayesum {

RowFilter::RowFilter(const Stream& stream, const std::vector<bool>& keep)
    : keep_(stream.device(), keep.size()) {
  const std::vector<double> flags(keep.begin(), keep.end());
  copy(stream, std::span<const double>(flags), keep_.span());
}

RowFilter::Kept RowFilter::apply(const Stream& stream, const Batch& batch) {
  const std::size_t rows = batch.rows();
  if (keep_.size() == 0) return {batch, static_cast<double>(rows)};
  if (batch.group.size() != rows) {
    throw Error(ExitCode::kUsage, "rows are to be told apart by group, which needs data.group");
  }
  if (kept_.size() < rows) {
    kept_ = Buffer<double>(stream.device(), rows);
    weights_ = Buffer<double>(stream.device(), rows);
  }
  const std::span<double> kept = kept_.span().first(rows);
  bayesum::apply(stream, LookUp{keep_.data(), batch.group.data(), kept.data()}, rows);
  Kept result{batch, sum(stream, kept)};
  result.batch.weight = kept;
  if (!batch.weight.empty()) {
    const std::span<double> weights = weights_.span().first(rows);
    bayesum::apply(stream, Multiply{kept.data(), batch.weight.data(), weights.data()}, rows);
    result.batch.weight = weights;
  }
  return result;
}

}  // namespace bayesum
