#include "distributed/virtual_shards.hpp"

#include <algorithm>
#include <string>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

// The first total % parts pieces hold one element more than the others.
std::size_t first_of_part(std::size_t total, std::size_t parts, std::size_t index) {
  return index * (total / parts) + std::min(index, total % parts);
}

}  // namespace

Range even_part(std::size_t total, std::size_t parts, std::size_t index) {
  if (index >= parts) {
    throw Error(ExitCode::kUsage, "there is no part " + std::to_string(index) + " of " +
                                      std::to_string(parts) + " parts");
  }
  return {first_of_part(total, parts, index), first_of_part(total, parts, index + 1)};
}

std::vector<std::size_t> even_counts(std::size_t total, std::size_t parts, std::size_t unit) {
  if (unit == 0 || total % unit != 0) {
    throw Error(
        ExitCode::kUsage,
        std::to_string(total) + " elements cannot be cut at multiples of " + std::to_string(unit));
  }
  std::vector<std::size_t> counts(parts);
  for (std::size_t i = 0; i < parts; ++i) {
    counts[i] = even_part(total / unit, parts, i).size() * unit;
  }
  return counts;
}

Range shards_of_rank(std::size_t virtual_shards, int ranks, int rank) {
  return even_part(virtual_shards, static_cast<std::size_t>(ranks), static_cast<std::size_t>(rank));
}

int rank_of_shard(std::size_t virtual_shards, int ranks, std::size_t shard) {
  if (shard >= virtual_shards) {
    throw Error(ExitCode::kUsage, "there is no virtual shard " + std::to_string(shard) + " of " +
                                      std::to_string(virtual_shards));
  }
  const std::size_t parts = static_cast<std::size_t>(ranks);
  const std::size_t small = virtual_shards / parts;
  const std::size_t larger_parts = virtual_shards % parts;
  const std::size_t in_larger_parts = larger_parts * (small + 1);
  return static_cast<int>(shard < in_larger_parts
                              ? shard / (small + 1)
                              : larger_parts + (shard - in_larger_parts) / small);
}

}  // namespace bayesum
