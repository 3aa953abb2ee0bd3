#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bayesum {

// A permutation of 0 .. n-1 that stores nothing of size n: a pure function of (seed, epoch, n).
//
// The numbers below 2^b >= n, b the least that there is, are cut into two halves of bits, of which
// each in turn is xor-ed with a Philox hash of the other (a Feistel network: Luby and Rackoff, SIAM
// J. Comput. 17, 1988). That is a bijection whatever the hash; a number that leaves 0 .. n-1 is
// sent through again until it is back (cycle walking: Black and Rogaway, CT-RSA 2002), twice at
// most on average.
class Permutation {
 public:
  // n >= 1.
  Permutation(std::uint64_t n, std::uint64_t seed, std::uint64_t epoch);

  std::uint64_t size() const { return n_; }
  std::uint64_t operator()(std::uint64_t i) const;  // i < n

 private:
  std::uint64_t once(std::uint64_t i) const;

  std::uint64_t n_;
  std::uint64_t seed_;
  std::uint64_t epoch_;
  unsigned low_bits_;
  unsigned high_bits_;
};

// A whole number below `bound` >= 1, uniform, of its own for every (seed, epoch).
std::uint64_t offset_of_epoch(std::uint64_t seed, std::uint64_t epoch, std::uint64_t bound);

// How a step of training is cut: each of V virtual shards takes M micro-batches of B examples, one
// after the other, so a step reads V M B examples.
struct BatchShape {
  std::size_t virtual_shards = 1;
  std::size_t micro_steps = 1;
  std::size_t rows = 1;  // of a micro-batch

  std::size_t examples_per_step() const { return virtual_shards * micro_steps * rows; }
};

// One micro-batch of a training.
struct MicroBatch {
  std::uint64_t step = 0;
  std::size_t shard = 0;  // < virtual_shards
  std::size_t micro = 0;  // < micro_steps
};

// One example as a training meets it: number `index` of those of epoch `epoch`.
struct ExampleId {
  std::uint64_t epoch = 0;
  std::uint64_t index = 0;

  friend bool operator==(const ExampleId&, const ExampleId&) = default;
};

// Which examples a micro-batch reads: a pure function of (seed, N, shape, step, shard, micro, row).
// Neither the number of ranks nor what was read before enters, so the cursor of a training over its
// data is its step alone.
//
// Row r of a micro-batch is number
//   k = ((step V + shard) M + micro) B + r
// of all that are ever read; it belongs to epoch e = k div N and is example P_e(k mod N), P_e a
// Permutation. Each epoch therefore reads every example exactly once. Epochs wrap inside of a
// batch: nothing of the last, incomplete batch is dropped and every batch has the same size, which
// is what a sum of gradients over equal batches wants; a batch that two epochs share may hold an
// example twice.
class ExampleOrder {
 public:
  // N = examples >= 1. Error(kUsage) when N is 0, a number of the shape is 0, or their product is
  // beyond 2^32.
  ExampleOrder(std::uint64_t examples, BatchShape shape, std::uint64_t seed);

  const BatchShape& shape() const { return shape_; }
  std::uint64_t examples() const { return examples_; }
  // Epochs that are over, and the part that is, before `step`.
  double epochs_before(std::uint64_t step) const;

  std::vector<ExampleId> of(const MicroBatch& batch) const;  // one for each row

 private:
  std::uint64_t examples_;
  BatchShape shape_;
  std::uint64_t seed_;
};

}  // namespace bayesum
