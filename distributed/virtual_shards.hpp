#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace bayesum {

// A half-open range [first, last).
struct Range {
  std::size_t first = 0;
  std::size_t last = 0;

  std::size_t size() const { return last - first; }
  friend bool operator==(const Range&, const Range&) = default;
};

// Part `index` of [0, total) cut into `parts` contiguous pieces whose sizes differ by one at most.
// Pieces may be empty. Used for virtual shards on ranks, for bytes on virtual shards, and for
// parameters on slices.
Range even_part(std::size_t total, std::size_t parts, std::size_t index);

// The same cut with boundaries at multiples of `unit`; total is a multiple of unit.
std::vector<std::size_t> even_counts(std::size_t total, std::size_t parts, std::size_t unit = 1);

// The data are cut into V virtual shards, V fixed by the configuration and not by the number of
// ranks; this rank carries the contiguous range even_part(V, ranks, rank) of them.
Range shards_of_rank(std::size_t virtual_shards, int ranks, int rank);

// The rank that carries virtual shard `shard`.
int rank_of_shard(std::size_t virtual_shards, int ranks, std::size_t shard);

}  // namespace bayesum
