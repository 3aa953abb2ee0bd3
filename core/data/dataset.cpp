#include "core/data/dataset.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/data/levels.hpp"
#include "core/data/libsvm.hpp"
#include "core/data/open_table.hpp"
#include "core/files/field_text.hpp"
#include "core/files/hash.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

// The shards whose numbers are listed.
std::vector<bool> listed_shards(const Strings& numbers, std::size_t virtual_shards) {
  std::vector<bool> listed(virtual_shards);
  for (const std::string& text : numbers) {
    std::size_t shard = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), shard);
    if (problem != std::errc{} || end != text.data() + text.size() || shard >= virtual_shards) {
      throw Error(ExitCode::kUsage, "data.without_shards: there is no virtual shard '" + text +
                                        "' of " + std::to_string(virtual_shards));
    }
    listed[shard] = true;
  }
  return listed;
}

std::size_t at_least(std::int64_t least, std::int64_t value, const char* key) {
  if (value < least) {
    throw Error(ExitCode::kUsage, std::string(key) + " = " + std::to_string(value) +
                                      " must be at least " + std::to_string(least));
  }
  return static_cast<std::size_t>(value);
}

bool contains(const auto& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

Dataset::Dataset(const DataConfig& config, Support support)
    : config_(config),
      support_(support),
      file_(open_table(config, support)),
      left_out_(listed_shards(config.without_shards,
                              at_least(1, config.virtual_shards, "data.virtual_shards"))),
      virtual_shards_(at_least(1, config.virtual_shards, "data.virtual_shards")),
      block_rows_(at_least(1, config.block_rows, "data.block_rows")),
      shards_(virtual_shards_) {
  at_least(-1, config.cache_mib, "data.cache_mib");
  if (file_->sparse() && config_.response.empty()) config_.response = LibsvmFile::kLabel;
  if (has_response(support) && config_.response.empty()) {
    throw Error(ExitCode::kUsage, "data.response names no column of " + config.path);
  }
  const bool of_features = !has_response(support) && support != Support::kNone;
  if (of_features && support != Support::kCountFeatures && !config.offset.empty()) {
    throw Error(ExitCode::kUsage, "data.offset = \"" + config.offset +
                                      "\" has no part in a model without a response");
  }
  if (of_features && support != Support::kRealFeatures && fills_missing()) {
    throw Error(ExitCode::kUsage, "data.missing = \"mean\" has no meaning where features must be " +
                                      to_string(support));
  }
  if (file_->sparse() && (!config.categories.empty() || !one_hot())) {
    throw Error(ExitCode::kUsage, "the features of " + config.path +
                                      ", a libsvm file, are numbers and not categories");
  }
  if (!config_.without_group.empty() && config_.group.empty()) {
    throw Error(ExitCode::kUsage, "data.without_group needs data.group, a column of categories");
  }
  choose_inputs();
  parts_ = parts_of(inputs_, classes_);
}

std::size_t Dataset::shards_per_step() const {
  const std::size_t given = at_least(0, config_.shards_per_step, "data.shards_per_step");
  return given == 0 ? virtual_shards_ : given;
}

void Dataset::choose_inputs() {
  Strings names = config_.features;
  if (names.empty()) {
    const std::array other_parts{config_.response, config_.offset, config_.weight, config_.group};
    for (const std::string& name : file_->columns()) {
      if (contains(other_parts, name)) continue;
      if (!file_->sparse() || name != LibsvmFile::kLabel) names.push_back(name);
    }
  }
  for (const std::string& name : config_.categories) {
    file_->column(name);
    if (!contains(names, name)) {
      throw Error(ExitCode::kUsage, "data.categories names '" + name + "' of " + config_.path +
                                        ", which is not one of the features");
    }
  }
  inputs_ = inputs_of_numbers(names);
}

void Dataset::expect(const Design& design) {
  inputs_ = design.inputs;
  classes_ = design.classes;
  parts_ = parts_of(inputs_, classes_);
}

std::vector<std::string> Dataset::features() const {
  std::vector<std::string> names;
  for (const Input& input : inputs_) names.push_back(input.name);
  return names;
}

// A category's level is read as its index once its levels are known.
Dataset::Parts Dataset::parts_of(const std::vector<Input>& inputs,
                                 const std::vector<std::string>& classes) const {
  const bool predicting = support_ == Support::kNone;
  Parts parts;
  std::vector<std::size_t> taken;
  const auto take = [&](const std::string& name, FieldCode code) {
    taken.push_back(file_->column(name));
    parts.selection.columns.push_back({taken.back(), std::move(code)});
    return taken.size() - 1;
  };
  const auto code = [](const std::vector<std::string>& levels) {
    return levels.empty() ? FieldCode() : Levels(levels).code();
  };
  const auto other = [&](const std::string& name, bool is_read, const FieldCode& with) {
    return name.empty() || !is_read ? std::nullopt : Place(take(name, with));
  };
  parts.response = other(config_.response, has_response(support_), response_code(classes));
  parts.offset = other(config_.offset, true, {});
  parts.weight = other(config_.weight, !predicting, {});
  parts.group = other(config_.group, !predicting, code(groups_));
  if (parts.group) parts.selection.columns.back().counts = false;
  parts.first_feature = taken.size();
  for (const Input& input : inputs) {
    take(input.name, code(input.levels));
    parts.plain = parts.plain && input.levels.empty();
  }
  parts.selection.first_sparse = parts.first_feature;
  parts.selection.missing = config_.missing != "refuse" || config_.keep_rows;

  std::ranges::sort(taken);
  const auto twice = std::ranges::adjacent_find(taken);
  if (twice == taken.end()) return parts;
  throw Error(
      ExitCode::kUsage,
      "column '" +
          (*twice < file_->columns().size() ? file_->columns()[*twice] : std::to_string(*twice)) +
          "' of " + config_.path +
          " is named for two parts among response, offset, weight and features");
}

// Labels -1 and +1 of libsvm files stand for 0 and 1.
FieldCode Dataset::response_code(const std::vector<std::string>& classes) const {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  const bool optional = config_.keep_rows;
  if (!classes.empty()) return Levels(classes).code(optional ? std::optional(kNone) : std::nullopt);
  const bool signs = file_->sparse() && support_ == Support::kBinary;
  if (!signs && !optional) return {};
  return [signs, optional, support = support_](std::string_view text) {
    double value = 0;
    const bool is_one = is_number(text, value);
    if (!is_one && !optional) throw Error(ExitCode::kFile, "is not a finite number");
    if (signs && value == -1.0) value = 0.0;
    return optional && !(is_one && supports(support, value)) ? kNone : value;
  };
}

std::string Dataset::name_of(std::size_t place) const {
  if (place >= parts_.first_feature) return inputs_[place - parts_.first_feature].name;
  if (place == parts_.response) return config_.response;
  if (place == parts_.offset) return config_.offset;
  return place == parts_.weight ? config_.weight : config_.group;
}

std::uint64_t Dataset::layout() const {
  std::string text =
      std::to_string(file_->extent().first) + " " + std::to_string(file_->extent().last);
  for (const std::string& name : file_->columns()) text += "," + name;
  return hash_of(std::as_bytes(std::span(text)));
}

Range Dataset::part_of(std::size_t shard) const {
  const Range body = file_->extent();
  const Range part = even_part(body.size(), virtual_shards_, shard);
  if (left_out_[shard]) return {body.first + part.first, body.first + part.first};
  return {body.first + part.first, body.first + part.last};
}

void Dataset::set_design(Design design, bool keep_sparse) {
  const std::size_t features = design.features.size();
  if (design.mean.size() != features || design.sd.size() != features) {
    throw Error(ExitCode::kUsage, "a design of " + std::to_string(features) + " features has " +
                                      std::to_string(design.mean.size()) + " means and " +
                                      std::to_string(design.sd.size()) + " sds");
  }
  for (std::size_t j = 0; j < features; ++j) {
    if (!std::isfinite(design.mean[j]) || !std::isfinite(design.sd[j]) || !(design.sd[j] > 0)) {
      throw Error(ExitCode::kUsage, "the design maps feature '" + design.features[j] +
                                        "' by mean " + text_of(design.mean[j]) + " and sd " +
                                        text_of(design.sd[j]));
    }
  }
  if (design.inputs.empty()) design.inputs = inputs_of_numbers(design.features);
  const bool sparse = keep_sparse && file_->sparse();
  if (sparse && std::ranges::any_of(design.mean, [](double mean) { return mean != 0; })) {
    throw Error(ExitCode::kUsage, "a design that shifts its features does not keep rows sparse");
  }
  Parts parts = parts_of(design.inputs, design.classes);
  const bool widens = file_->sparse() ? !sparse : !parts.plain && design.one_hot;
  if (widens && design.columns() > kMostDenseColumns) {
    throw Error(ExitCode::kUsage, config_.path + " gives " + std::to_string(design.columns()) +
                                      " columns, more than the " +
                                      std::to_string(kMostDenseColumns) +
                                      " that dense rows may have: choose data.features");
  }
  parts_ = std::move(parts);
  inputs_ = design.inputs;
  classes_ = design.classes;
  keep_sparse_ = sparse;
  design_ = std::move(design);
  has_design_ = true;
  for (Shard& shard : shards_) {
    shard.blocks.reset();
    shard.fits = true;
  }
  cached_bytes_ = 0;
}

Dataset::Kept Dataset::kept(const TableRows& rows) const {
  Kept kept;
  kept.reserve(rows.rows());
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    if (left_out(rows, i)) continue;
    if (!parts_.selection.missing || !drops(rows, i)) kept.push_back(i);
  }
  return kept;
}

bool Dataset::left_out(const TableRows& rows, std::size_t row) const {
  if (left_out_groups_.empty()) return false;
  const double group = rows.values.data[row * rows.values.stride + *parts_.group];
  return !std::isnan(group) && left_out_groups_[static_cast<std::size_t>(group)];
}

bool Dataset::drops(const TableRows& rows, std::size_t row) const {
  const Place missing = missing_place(rows, row);
  if (missing && config_.keep_rows) {
    throw Error(ExitCode::kFile, file_->place(rows.starts[row]) + ": column '" + name_of(*missing) +
                                     "': a value is missing");
  }
  return missing.has_value();
}

// The first that may not be missing and is.
Dataset::Place Dataset::missing_place(const TableRows& rows, std::size_t row) const {
  const double* const values = rows.values.data + row * rows.values.stride;
  for (std::size_t place = 0; place < parts_.first_feature; ++place) {
    if (std::isnan(values[place]) && !(config_.keep_rows && place == parts_.response)) return place;
  }
  const bool fills = has_design_ ? !design_.missing.empty() : fills_missing();
  if (fills) return std::nullopt;
  for (std::size_t place = parts_.first_feature; place < rows.values.cols; ++place) {
    if (std::isnan(values[place])) return place;
  }
  if (rows.sparse.empty()) return std::nullopt;
  for (std::size_t k = rows.sparse.row_start[row]; k < rows.sparse.row_start[row + 1]; ++k) {
    if (std::isnan(rows.sparse.value[k])) return parts_.first_feature + rows.sparse.column[k];
  }
  return std::nullopt;
}

void Dataset::check(const TableRows& rows, const Kept& kept) const {
  const bool of_features = !has_response(support_) && support_ != Support::kNone &&
                           support_ != Support::kRealFeatures && one_hot();
  const bool counts = support_ == Support::kCount || support_ == Support::kCountFeatures;
  const auto is_good = [&](double value) { return supports(support_, value); };
  for (const std::size_t i : kept) {
    const double* const row = rows.values.data + i * rows.values.stride;
    const std::uint64_t start = rows.starts[i];
    if (parts_.response && !is_good(row[*parts_.response]) && !std::isnan(row[*parts_.response])) {
      refuse(start, "response", *parts_.response, row[*parts_.response],
             "be " + to_string(support_));
    }
    if (parts_.weight && !(row[*parts_.weight] >= 0)) {
      refuse(start, "weight", *parts_.weight, row[*parts_.weight], "be >= 0");
    }
    if (parts_.offset && counts && !std::isfinite(std::exp(row[*parts_.offset]))) {
      refuse(start, "offset", *parts_.offset, row[*parts_.offset],
             "be small enough for exp(offset)");
    }
    for (std::size_t place = parts_.first_feature; of_features && place < rows.values.cols;
         ++place) {
      const bool is_level = !inputs_[place - parts_.first_feature].levels.empty();
      if (!is_level && !is_good(row[place])) {
        refuse(start, "feature", place, row[place], "be " + to_string(support_));
      }
    }
    if (!of_features || rows.sparse.empty()) continue;
    for (std::size_t k = rows.sparse.row_start[i]; k < rows.sparse.row_start[i + 1]; ++k) {
      if (!is_good(rows.sparse.value[k])) {
        refuse(start, "feature", parts_.first_feature + rows.sparse.column[k], rows.sparse.value[k],
               "be " + to_string(support_));
      }
    }
  }
}

void Dataset::refuse(std::uint64_t start, const char* part, std::size_t place, double value,
                     const std::string& why) const {
  throw Error(ExitCode::kFile, file_->place(start) + ": " + part + " '" + name_of(place) +
                                   "' = " + text_of(value) + " must " + why);
}

}  // namespace bayesum
