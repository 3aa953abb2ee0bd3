#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "distributed/communicator.hpp"

namespace bayesum {

// Sums that rows add to, kept by virtual shard and added in a fixed tree
// (distributed/sum_tree.hpp): the same bits for any number of ranks.
class ShardSums {
 public:
  ShardSums(std::size_t size, std::size_t virtual_shards)
      : virtual_shards_(virtual_shards), sums_(size) {}

  // Of the shard at hand; once reduced, of all.
  std::span<double> now() { return sums_; }
  std::span<const double> now() const { return sums_; }
  // The next shard is at hand; to be called after each of this rank's, those without rows too.
  void end_shard();
  // Collective: the sums over all shards, on every rank. Error(kUsage) when this rank has ended
  // other shards than shards_of_rank gives it.
  void reduce(const Stream& stream, Communicator& communicator);

 private:
  std::size_t virtual_shards_;
  std::vector<std::vector<double>> shards_;  // sums of each that has ended
  std::vector<double> sums_;
};

}  // namespace bayesum
