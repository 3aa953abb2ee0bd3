#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bayesum {

// Which B of the V virtual shards a step reads: a pure function of (seed, step, V, B), the same for
// any number of ranks.
//
// The shards lie in B strata of V / B contiguous ones, of which a step takes one each, so that
// ranks, which carry contiguous shards, share the work. Within a stratum an epoch of V / B steps
// follows a permutation that is drawn afresh for every epoch and stratum: an epoch reads each shard
// exactly once, and at any step each has the probability B / V. V / B times the sum over the batch
// is therefore an unbiased estimate of the sum over all shards, and its mean over an epoch at one
// posterior is that sum.
class Minibatch {
 public:
  // B = V: always all shards. Error(kUsage) unless B divides V.
  Minibatch(std::size_t virtual_shards, std::size_t shards_per_step, std::uint64_t seed);

  // The batch becomes that of this step, or all shards.
  void draw(std::int64_t step);
  void take_all() { chosen_.clear(); }

  bool has(std::size_t shard) const;
  bool whole() const { return chosen_.empty(); }
  bool always_whole() const { return depth_ == 1; }
  double scale() const;  // V over the number of shards in the batch

 private:
  void shuffle(std::uint64_t epoch);

  std::size_t strata_;  // B
  std::size_t depth_;   // V / B
  std::uint64_t seed_;
  std::int64_t epoch_ = -1;          // of order_
  std::vector<std::size_t> order_;   // of each stratum, one after the other, its permutation
  std::vector<std::size_t> chosen_;  // of each stratum; empty: all
};

}  // namespace bayesum
