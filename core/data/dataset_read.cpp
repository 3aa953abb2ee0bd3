#include <algorithm>
#include <cmath>
#include <utility>

#include "core/data/dataset.hpp"
#include "core/data/memory.hpp"
#include "kernels/error.hpp"

// Rows through the design, from the file or the cache: Dataset::visit.
namespace bayesum {
namespace {

constexpr std::size_t kDeviceCacheMib = 1024;  // of a GPU, where nothing is configured

// Every part of a block starts at a multiple of 64 bytes.
std::size_t padded(std::size_t elements) { return (elements + 7) / 8 * 8; }

}  // namespace

std::size_t Dataset::Block::bytes() const {
  return (values.size() + value.size()) * sizeof(double) + column.size() * sizeof(std::uint32_t) +
         row_start.size() * sizeof(std::size_t);
}

void Dataset::visit(const Stream& stream, std::size_t shard, const Visitor& visit) {
  if (shard >= virtual_shards_ || !has_design_) {
    throw Error(ExitCode::kUsage, "virtual shard " + std::to_string(shard) + " of " +
                                      std::to_string(virtual_shards_) + " of " + config_.path +
                                      " was visited " +
                                      (shard >= virtual_shards_ ? "where there is no such shard"
                                                                : "before a design was set"));
  }
  if (!shards_[shard].blocks) {
    read(stream, shard, visit);
    return;
  }
  for (const Block& block : *shards_[shard].blocks) visit(block.batch);
}

std::size_t Dataset::cache_bytes(const Stream& stream) const {
  if (config_.cache_mib >= 0) return static_cast<std::size_t>(config_.cache_mib) << 20;
  return stream.on_cuda() ? kDeviceCacheMib << 20
                          : static_cast<std::size_t>(automatic_cache_mib(1)) << 20;
}

void Dataset::read(const Stream& stream, std::size_t shard, const Visitor& visit) {
  if (!cache_limit_) cache_limit_ = cache_bytes(stream);
  Shard& known = shards_[shard];
  std::vector<Block> blocks;
  std::size_t bytes = 0;
  const auto visit_block = [&](const TableRows& rows) {
    const Kept rows_kept = kept(rows);
    if (rows_kept.empty()) return;
    check(rows, rows_kept);
    Block block = load(stream, rows, rows_kept);
    visit(block.batch);
    bytes += block.bytes();
    known.fits = known.fits && cached_bytes_ + bytes <= *cache_limit_;
    if (known.fits) {
      blocks.push_back(std::move(block));
    } else {
      stream.synchronize();
      blocks.clear();
    }
  };
  const std::uint64_t hash =
      file_->read(part_of(shard), parts_.selection, block_rows_, visit_block);
  if (known.hash.value_or(hash) != hash) {
    throw Error(ExitCode::kFile, config_.path + " has changed since it was last read");
  }
  known.hash = hash;
  if (known.fits) {
    cached_bytes_ += bytes;
    known.blocks = std::move(blocks);
  }
}

Dataset::Block Dataset::load(const Stream& stream, const TableRows& rows, const Kept& kept) const {
  const bool sparse = keep_sparse_ && !stream.on_cuda();
  const std::size_t count = kept.size();
  const std::size_t columns = design_.columns();
  const std::size_t dense = sparse ? 0 : padded(count * columns);
  const std::size_t size = dense + parts_.first_feature * padded(count);
  Block block{Buffer<double>(stream.device(), size), {}, {}, {}, {}};
  if (stream.on_cuda()) {
    std::vector<double> host(size);
    fill(rows, kept, host.data(), host.data() + dense);
    copy<double>(stream, host, block.values.span());
  } else {
    fill(rows, kept, sparse ? nullptr : block.values.data(), block.values.data() + dense);
  }
  const double* const at = block.values.data();
  if (sparse) {
    fill_sparse(rows.sparse, kept, block);
  } else {
    block.batch.x = {at, count, columns};
  }
  const auto part = [&](Place place) -> std::span<const double> {
    if (!place) return {};
    return {at + dense + *place * padded(count), count};
  };
  block.batch.y = part(parts_.response);
  block.batch.offset = part(parts_.offset);
  block.batch.weight = part(parts_.weight);
  block.batch.group = part(parts_.group);
  return block;
}

// Response, offset, weight and group, those that are read, and, unless x is null, x row by row.
void Dataset::fill(const TableRows& rows, const Kept& kept, double* x, double* others) const {
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const double* const row = rows.values.data + kept[k] * rows.values.stride;
    for (std::size_t place = 0; place < parts_.first_feature; ++place) {
      others[place * padded(kept.size()) + k] = row[place];
    }
    if (x == nullptr) continue;
    if (design_.intercept) *x++ = 1.0;
    if (rows.sparse.empty()) {
      fill_inputs(row + parts_.first_feature, x);
    } else {
      fill_dense(rows.sparse, kept[k], x);
    }
    x += design_.features.size();
  }
}

double Dataset::mapped(double value, std::size_t feature) const {
  const double found = std::isnan(value) ? design_.missing[feature] : value;
  return (found - design_.mean[feature]) / design_.sd[feature];
}

void Dataset::fill_inputs(const double* row, double* x) const {
  if (parts_.plain && design_.missing.empty()) {
    for (std::size_t j = 0; j < design_.features.size(); ++j) {
      x[j] = (row[j] - design_.mean[j]) / design_.sd[j];
    }
    return;
  }
  std::size_t feature = 0;
  for (std::size_t k = 0; k < inputs_.size(); ++k) {
    const std::size_t levels = design_.one_hot ? inputs_[k].levels.size() : 0;
    if (levels == 0) {
      x[feature] = mapped(row[k], feature);
      ++feature;
    }
    for (std::size_t l = design_.left_out(inputs_[k]); l < levels; ++l, ++feature) {
      const bool is_level = row[k] == static_cast<double>(l);
      x[feature] = mapped(std::isnan(row[k]) ? row[k] : (is_level ? 1.0 : 0.0), feature);
    }
  }
}

void Dataset::fill_dense(const SparseView& sparse, std::size_t row, double* x) const {
  for (std::size_t j = 0; j < design_.features.size(); ++j) x[j] = mapped(0.0, j);
  for (std::size_t k = sparse.row_start[row]; k < sparse.row_start[row + 1]; ++k) {
    x[sparse.column[k]] = mapped(sparse.value[k], sparse.column[k]);
  }
}

void Dataset::fill_sparse(const SparseView& sparse, const Kept& kept, Block& block) const {
  const std::uint32_t first = design_.intercept ? 1 : 0;
  block.row_start.assign(1, 0);
  for (const std::size_t row : kept) {
    if (design_.intercept) {
      block.column.push_back(0);
      block.value.push_back(1.0);
    }
    for (std::size_t k = sparse.row_start[row]; k < sparse.row_start[row + 1]; ++k) {
      block.column.push_back(sparse.column[k] + first);
      block.value.push_back(mapped(sparse.value[k], sparse.column[k]));
    }
    block.row_start.push_back(block.column.size());
  }
  block.batch.sparse = {block.row_start, block.column, block.value, design_.columns()};
}

}  // namespace bayesum
