#include "core/provenance.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/files/field_text.hpp"
#include "core/files/hash.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kColumns = 4;  // of a tensor of sources

double upper_half(std::uint64_t hash) { return static_cast<double>(hash >> 32); }
double lower_half(std::uint64_t hash) { return static_cast<double>(hash & 0xffffffffu); }

const Tensor& table_of(const TensorFile& file, const std::string& name, std::size_t columns) {
  const Tensor& tensor = file.tensor(name);
  if (tensor.shape.size() == 2 && tensor.shape[1] == columns) return tensor;
  throw Error(ExitCode::kFile,
              file.path.string() + ": " + name + " has no " + std::to_string(columns) + " columns");
}

double whole(const TensorFile& file, const std::string& name, double value, double low,
             double high) {
  if (value >= low && value <= high && std::floor(value) == value) return value;
  throw Error(ExitCode::kFile, file.path.string() + ": " + name +
                                   " holds a number that is none of " +
                                   "a hash, a part or a count");
}

std::uint64_t read_hash(const TensorFile& file, const std::string& name, const double* row) {
  constexpr double kLargest = 0xffffffffu;
  const double upper = whole(file, name, row[0], 0, kLargest);
  const double lower = whole(file, name, row[1], 0, kLargest);
  return (static_cast<std::uint64_t>(upper) << 32) | static_cast<std::uint64_t>(lower);
}

using Group = std::pair<std::string, std::string>;  // a column and a level of it

Group group_of(const TensorFile& file, const std::string& name, const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto is_name = [](const auto& value) { return value.is_string() && value != ""; };
  if (json.is_array() && json.size() == 2 && is_name(json[0]) && is_name(json[1])) {
    const Group group = json.get<Group>();
    if (group_text(group.first, group.second) == text) return group;
  }
  throw Error(ExitCode::kFile, file.path.string() + ": " + name + " has " + shown(text) +
                                   " where a list of a column and a level belongs");
}

}  // namespace

std::string group_text(const std::string& column, const std::string& level) {
  return nlohmann::json{column, level}.dump();
}

bool Sources::by_parts() const {
  return std::ranges::any_of(pieces_,
                             [](const auto& entry) { return !entry.first.column.empty(); });
}

void Sources::add(const Piece& piece, std::int64_t times) {
  const auto [at, added] = pieces_.try_emplace(piece, 0);
  at->second += times;
  if (at->second == 0) pieces_.erase(at);
}

void Sources::add(const Sources& other, std::int64_t sign) {
  for (const auto& [piece, times] : std::map(other.pieces_)) add(piece, sign * times);
}

std::map<std::uint64_t, Sources::Extent> Sources::extents() const {
  std::map<std::uint64_t, Extent> extents;
  for (auto at = pieces_.begin(); at != pieces_.end();) {
    const std::uint64_t shard = at->first.shard;
    // All rows come first.
    const std::int64_t all = at->first.column.empty() ? (at++)->second : 0;
    Extent extent{all, all};
    std::set<std::string> columns;
    for (; at != pieces_.end() && at->first.shard == shard; ++at) {
      extent.least = std::min(extent.least, all + at->second);
      extent.most = std::max(extent.most, all + at->second);
      columns.insert(at->first.column);
    }
    extent.by_two_columns = columns.size() > 1;
    extents[shard] = extent;
  }
  return extents;
}

bool Sources::agrees_with(const Sources& other, std::uint64_t shard) const {
  const auto of_shard = [shard](const Sources& sources) {
    const auto is_before = [](const auto& entry, std::uint64_t s) { return entry.first.shard < s; };
    const auto is_after = [](std::uint64_t s, const auto& entry) { return s < entry.first.shard; };
    const auto first =
        std::lower_bound(sources.pieces_.begin(), sources.pieces_.end(), shard, is_before);
    return std::pair(first, std::upper_bound(first, sources.pieces_.end(), shard, is_after));
  };
  const auto [here, end_here] = of_shard(*this);
  const auto [there, end_there] = of_shard(other);
  return std::equal(here, end_here, there, end_there);
}

bool Sources::shares_with(const Sources& other) const {
  Sources sum = *this;
  sum.add(other, 1);
  auto here = extents(), there = other.extents();
  return std::ranges::any_of(sum.extents(), [&](const auto& entry) {
    const auto& [shard, extent] = entry;
    const bool known = sum.agrees_with(*this, shard) || sum.agrees_with(other, shard);
    return extent.most > std::max(here[shard].most, there[shard].most) ||
           (extent.by_two_columns && !known);
  });
}

Sources sources_of(const DataSummary& summary, const DataConfig& config) {
  const std::uint64_t no_rows = hash_of({});
  Sources sources;
  for (const std::uint64_t shard : summary.shards) {
    if (shard == no_rows) continue;
    sources.add({shard}, 1);
    const std::set<std::string> left_out(config.without_group.begin(), config.without_group.end());
    for (const std::string& level : left_out) sources.add({shard, config.group, level}, -1);
  }
  return sources;
}

void write_sources(const std::string& name, const Sources& sources, TensorFile& file) {
  std::map<Group, double> parts;
  for (const auto& [piece, times] : sources.pieces()) {
    if (!piece.column.empty()) parts[{piece.column, piece.level}] = 0;
  }
  std::string text;
  double number = 0;
  for (auto& [group, index] : parts) {
    index = ++number;
    text += group_text(group.first, group.second) + "\n";
  }
  Tensor table{{sources.pieces().size(), kColumns}, {}};
  for (const auto& [piece, times] : sources.pieces()) {
    const double part = piece.column.empty() ? 0 : parts[{piece.column, piece.level}];
    table.values.insert(table.values.end(), {upper_half(piece.shard), lower_half(piece.shard), part,
                                             static_cast<double>(times)});
  }
  file.tensors[name] = std::move(table);
  file.metadata[name] = std::move(text);
}

Sources read_sources(const std::string& name, const TensorFile& file) {
  constexpr double kMostTimes = 1e9;
  std::vector<Group> parts(1);
  std::istringstream lines(file.text(name));
  for (std::string line; std::getline(lines, line);) parts.push_back(group_of(file, name, line));
  const Tensor& table = table_of(file, name, kColumns);
  Sources sources;
  for (std::size_t i = 0; i < table.shape[0]; ++i) {
    const double* const row = table.values.data() + i * kColumns;
    const double last = static_cast<double>(parts.size()) - 1;
    const auto part = static_cast<std::size_t>(whole(file, name, row[2], 0, last));
    const double times = whole(file, name, row[3], -kMostTimes, kMostTimes);
    const auto& [column, level] = parts[part];
    sources.add({read_hash(file, name, row), column, level}, static_cast<std::int64_t>(times));
  }
  return sources;
}

Tensor hash_tensor(const std::vector<std::uint64_t>& hashes) {
  Tensor tensor{{hashes.size(), 2}, {}};
  for (const std::uint64_t hash : hashes) {
    tensor.values.insert(tensor.values.end(), {upper_half(hash), lower_half(hash)});
  }
  return tensor;
}

std::vector<std::uint64_t> read_hashes(const std::string& name, const TensorFile& file) {
  const Tensor& table = table_of(file, name, 2);
  std::vector<std::uint64_t> hashes;
  for (std::size_t i = 0; i < table.shape[0]; ++i) {
    hashes.push_back(read_hash(file, name, table.values.data() + 2 * i));
  }
  return hashes;
}

}  // namespace bayesum
