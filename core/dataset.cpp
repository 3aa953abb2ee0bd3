#include "core/dataset.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

#include "core/hash.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

// Every part of a block starts at a multiple of 64 bytes.
std::size_t padded(std::size_t elements) { return (elements + 7) / 8 * 8; }

std::string text_of(double value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

bool supports(Support support, double y) {
  switch (support) {
    case Support::kNone:
    case Support::kRealFeatures:
    case Support::kReal:
      return true;
    case Support::kBinaryFeatures:
    case Support::kBinary:
      return y == 0 || y == 1;
    case Support::kCountFeatures:
    case Support::kCategoryFeatures:
    case Support::kCount:
    case Support::kCategory:
      return y >= 0 && y == std::floor(y);
  }
  return false;
}

std::size_t at_least(std::int64_t least, std::int64_t value, const char* key) {
  if (value < least) {
    throw Error(ExitCode::kUsage, std::string(key) + " = " + std::to_string(value) +
                                      " must be at least " + std::to_string(least));
  }
  return static_cast<std::size_t>(value);
}

}  // namespace

void DataConfig::describe(Fields& fields) {
  constexpr double kMostShards = 1 << 20;
  constexpr double kMostRows = 1 << 24;
  fields.add("data.path", path, {}, "the table: a CSV file of numbers with a header line");
  fields.add("data.response", response, {}, "the column to be explained");
  fields.add("data.features", features, "the columns that explain it; empty: all that are left");
  fields.add("data.offset", offset, {},
             "a column added to the linear predictor with the fixed coefficient one; empty: none");
  fields.add("data.weight", weight, {},
             "a column that multiplies the log-likelihood of its row; empty: ones");
  fields.add("data.virtual_shards", virtual_shards, {1, kMostShards},
             "pieces that the rows are cut into, whatever the number of ranks");
  fields.add("data.block_rows", block_rows, {1, kMostRows}, "rows handed to the model at a time");
  fields.add("data.cache_mib", cache_mib, kNonNegative,
             "MiB of parsed rows that each rank keeps in memory; the rest is read in every pass");
}

bool has_response(Support support) {
  return support == Support::kReal || support == Support::kBinary || support == Support::kCount ||
         support == Support::kCategory;
}

std::string to_string(Support support) {
  switch (support) {
    case Support::kNone:
      return "absent";
    case Support::kRealFeatures:
    case Support::kReal:
      return "a number";
    case Support::kBinaryFeatures:
    case Support::kBinary:
      return "0 or 1";
    case Support::kCountFeatures:
    case Support::kCount:
      return "a whole number >= 0";
    case Support::kCategoryFeatures:
    case Support::kCategory:
      return "a category";
  }
  return "unknown";
}

std::vector<std::string> Design::column_names() const {
  std::vector<std::string> names;
  if (intercept) names.emplace_back("intercept");
  names.insert(names.end(), features.begin(), features.end());
  return names;
}

Dataset::Dataset(const DataConfig& config, Support support)
    : config_(config),
      support_(support),
      file_(config.path),
      virtual_shards_(at_least(1, config.virtual_shards, "data.virtual_shards")),
      block_rows_(at_least(1, config.block_rows, "data.block_rows")),
      shards_(virtual_shards_) {
  if (has_response(support) && config.response.empty()) {
    throw Error(ExitCode::kUsage, "data.response names no column of " + config.path);
  }
  if (!has_response(support) && support != Support::kNone && !config.offset.empty()) {
    throw Error(ExitCode::kUsage, "data.offset = \"" + config.offset +
                                      "\" has no part in a model without a response");
  }
  std::vector<std::string> features = config.features;
  if (features.empty()) {
    const std::array other_parts{config.response, config.offset, config.weight};
    std::copy_if(file_.columns().begin(), file_.columns().end(), std::back_inserter(features),
                 [&](const std::string& name) {
                   return std::find(other_parts.begin(), other_parts.end(), name) ==
                          other_parts.end();
                 });
  }
  select(features);
}

void Dataset::select(const std::vector<std::string>& features) {
  selection_.clear();
  std::vector<bool> taken(file_.columns().size());
  const auto take = [&](const std::string& name) {
    const std::size_t column = file_.column(name);
    if (taken[column]) {
      throw Error(ExitCode::kUsage, "column '" + name + "' of " + config_.path +
                                        " is named for two parts among response, offset, weight "
                                        "and features");
    }
    taken[column] = true;
    selection_.push_back(column);
    return selection_.size() - 1;
  };
  response_ = has_response(support_) ? Place(take(config_.response)) : std::nullopt;
  offset_ = config_.offset.empty() ? std::nullopt : Place(take(config_.offset));
  weight_ = support_ != Support::kNone && !config_.weight.empty() ? Place(take(config_.weight))
                                                                  : std::nullopt;
  first_feature_ = selection_.size();
  std::for_each(features.begin(), features.end(), take);
  features_ = features;
}

std::uint64_t Dataset::layout() const {
  std::string text = std::to_string(file_.body().first) + " " + std::to_string(file_.body().last);
  for (const std::string& name : file_.columns()) text += "," + name;
  return hash_of(std::as_bytes(std::span(text)));
}

Range Dataset::bytes_of(std::size_t shard) const {
  const Range body = file_.body();
  const Range part = even_part(body.size(), virtual_shards_, shard);
  return {body.first + part.first, body.first + part.last};
}

void Dataset::set_design(Design design) {
  if (design.mean.size() != design.features.size() || design.sd.size() != design.features.size()) {
    throw Error(ExitCode::kUsage, "a design of " + std::to_string(design.features.size()) +
                                      " features has " + std::to_string(design.mean.size()) +
                                      " means and " + std::to_string(design.sd.size()) + " sds");
  }
  for (std::size_t j = 0; j < design.features.size(); ++j) {
    if (!std::isfinite(design.mean[j]) || !std::isfinite(design.sd[j]) || !(design.sd[j] > 0)) {
      throw Error(ExitCode::kUsage, "the design maps feature '" + design.features[j] +
                                        "' by mean " + text_of(design.mean[j]) + " and sd " +
                                        text_of(design.sd[j]));
    }
  }
  select(design.features);
  design_ = std::move(design);
  for (Shard& shard : shards_) {
    shard.blocks.reset();
    shard.fits = true;
  }
  cached_bytes_ = 0;
}

void Dataset::visit(const Stream& stream, std::size_t shard, const Visitor& visit) {
  if (shard >= virtual_shards_ || design_.features != features_) {
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

void Dataset::read(const Stream& stream, std::size_t shard, const Visitor& visit) {
  const std::size_t cache_bytes = at_least(0, config_.cache_mib, "data.cache_mib") << 20;
  Shard& known = shards_[shard];
  std::vector<Block> kept;
  std::size_t bytes = 0;
  const auto visit_block = [&](auto rows, auto starts) {
    check(rows, starts);
    Block block = load(stream, rows);
    visit(block.batch);
    bytes += block.values.size() * sizeof(double);
    known.fits = known.fits && cached_bytes_ + bytes <= cache_bytes;
    if (known.fits) {
      kept.push_back(std::move(block));
    } else {
      stream.synchronize();
      kept.clear();
    }
  };
  const std::uint64_t hash = file_.read(bytes_of(shard), selection_, block_rows_, visit_block);
  if (known.hash.value_or(hash) != hash) {
    throw Error(ExitCode::kFile, config_.path + " has changed since it was last read");
  }
  known.hash = hash;
  if (known.fits) {
    cached_bytes_ += bytes;
    known.blocks = std::move(kept);
  }
}

Dataset::Block Dataset::load(const Stream& stream, MatrixView<const double> rows) const {
  const std::size_t columns = design_.columns();
  const std::size_t size = padded(rows.rows * columns) + first_feature_ * padded(rows.rows);
  Block block{Buffer<double>(stream.device(), size), {}};
  if (stream.on_cuda()) {
    std::vector<double> host(size);
    fill(rows, host.data());
    copy<double>(stream, host, block.values.span());
  } else {
    fill(rows, block.values.data());
  }
  const double* at = block.values.data();
  block.batch.x = {at, rows.rows, columns};
  at += padded(rows.rows * columns);
  const auto part = [&](Place place) -> std::span<const double> {
    if (!place) return {};
    return {at + *place * padded(rows.rows), rows.rows};
  };
  block.batch.y = part(response_);
  block.batch.offset = part(offset_);
  block.batch.weight = part(weight_);
  return block;
}

// x, row by row, then response, offset and weight, those that are read.
void Dataset::fill(MatrixView<const double> rows, double* out) const {
  double* x = out;
  double* const others = out + padded(rows.rows * design_.columns());
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const double* const row = rows.data + i * rows.stride;
    for (std::size_t place = 0; place < first_feature_; ++place) {
      others[place * padded(rows.rows) + i] = row[place];
    }
    if (design_.intercept) *x++ = 1.0;
    const double* const features = row + first_feature_;
    for (std::size_t j = 0; j < features_.size(); ++j) {
      *x++ = (features[j] - design_.mean[j]) / design_.sd[j];
    }
  }
}

void Dataset::check(MatrixView<const double> rows, std::span<const std::uint64_t> starts) const {
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const double* const row = rows.data + i * rows.stride;
    if (response_ && !supports(support_, row[*response_])) {
      refuse(starts[i], "response", *response_, row[*response_], "be " + to_string(support_));
    }
    if (weight_ && !(row[*weight_] >= 0)) {
      refuse(starts[i], "weight", *weight_, row[*weight_], "be >= 0");
    }
    for (std::size_t place = first_feature_; place < rows.cols; ++place) {
      if (!has_response(support_) && !supports(support_, row[place])) {
        refuse(starts[i], "feature", place, row[place], "be " + to_string(support_));
      }
    }
    if (offset_ && support_ == Support::kCount && !std::isfinite(std::exp(row[*offset_]))) {
      refuse(starts[i], "offset", *offset_, row[*offset_], "be small enough for exp(offset)");
    }
  }
}

void Dataset::refuse(std::uint64_t start, const char* part, std::size_t place, double value,
                     const std::string& why) const {
  throw Error(ExitCode::kFile, config_.path + ":" + std::to_string(file_.line_of(start)) + ": " +
                                   part + " '" + file_.columns()[selection_[place]] +
                                   "' = " + text_of(value) + " must " + why);
}

}  // namespace bayesum
