#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/data/dataset.hpp"
#include "core/files/safetensors.hpp"

namespace bayesum {

// Rows that can be learned from or forgotten as a whole.
struct Piece {
  std::uint64_t shard = 0;  // XXH3 of a virtual shard's rows
  std::string column = {};  // its rows of one level of this column alone; empty: all its rows
  std::string level = {};

  auto operator<=>(const Piece&) const = default;
};

// A level of a column as one text, the JSON list of the two: whatever stands in them, another pair
// is another text.
std::string group_text(const std::string& column, const std::string& level);

// What a posterior has learned from: how often each piece is in it; -1 for a group that was
// forgotten of a shard that is in it. Never 0.
class Sources {
 public:
  const std::map<Piece, std::int64_t>& pieces() const { return pieces_; }
  // Is a group of rows in it, or out of it, on its own?
  bool by_parts() const;
  void add(const Piece& piece, std::int64_t times);
  void add(const Sources& other, std::int64_t sign);

  // How often rows of each shard are in it at most and at least, counting each group of the shard
  // on its own.
  struct Extent {
    std::int64_t least = 0, most = 0;
    bool by_two_columns = false;  // groups of two columns: who is in both is not known
  };
  std::map<std::uint64_t, Extent> extents() const;

  // Do both hold the same pieces of a shard?
  bool agrees_with(const Sources& other, std::uint64_t shard) const;
  // Are there rows that the sum of the two holds more often than either, or may there be, since it
  // brings groups of two columns together?
  bool shares_with(const Sources& other) const;

  bool operator==(const Sources&) const = default;

 private:
  std::map<Piece, std::int64_t> pieces_;
};

// Those of a training: every virtual shard that has rows, less the groups left out.
Sources sources_of(const DataSummary& summary, const DataConfig& config);

// In a file: the tensor `name`, a row (upper half of the shard's hash, lower half, part, times) for
// each piece in order, and its parts, a group_text a line, in the metadata of that name; part 0 is
// all.
void write_sources(const std::string& name, const Sources& sources, TensorFile& file);
Sources read_sources(const std::string& name, const TensorFile& file);  // Error(kFile)

// Hashes in a file: a row (upper half, lower half) each.
Tensor hash_tensor(const std::vector<std::uint64_t>& hashes);
std::vector<std::uint64_t> read_hashes(const std::string& name, const TensorFile& file);

}  // namespace bayesum
