#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/virtual_shards.hpp"
#include "kernels/buffer.hpp"

namespace bayesum {

// Sums one vector per virtual shard in a fixed binary tree over the shards 0 .. V-1, so that the
// result has the same bits for any number of ranks. Node j of level k covers the shards
// [j 2^k, (j+1) 2^k) and is the sum of nodes 2j and 2j+1 of the level below, in that order; a node
// beyond V is absent, and its sibling stands for both. A node belongs to the rank that carries its
// first shard.
//
// A rank adds its shards in order; whole subtrees are folded as they fill, so that it holds at most
// about 2 log2 V vectors. `finish` sends the right child of every node that spans two ranks to the
// owner of the left: O(log V) messages per rank, and the root ends on rank 0.
template <class T>
class SumTreeOf {
 public:
  // Vectors of `vector_size` elements, held on `memory`. Error(kUsage) without a virtual shard.
  SumTreeOf(std::size_t virtual_shards, std::size_t vector_size, Device memory);

  // `shard` must be the next of this rank's shards, else Error(kUsage). The values, on the tree's
  // device, are copied.
  void add(const Stream& stream, std::size_t shard, std::span<const T> values);

  // The same without a copy: memory from `take`, filled by the caller.
  void add(const Stream& stream, std::size_t shard, Buffer<T> values);
  Buffer<T> take();  // of vector_size elements, on the tree's device; their values are unspecified
  void give_back(Buffer<T> values);  // what was taken and not added

  // The same for a shard that gives nothing to this sum: no vector is held for it, and the others
  // are added as if it were not there. The sum of no shard at all is -0, to which adding x gives x,
  // bit for bit, whatever its sign.
  void skip(const Stream& stream, std::size_t shard);

  // Collective. On rank 0 `root`, on the tree's device, receives the sum; elsewhere it is left
  // alone. Empties the tree, which can then be filled again. Error(kUsage) when this rank has added
  // other shards than shards_of_rank gives it.
  void finish(const Stream& stream, Communicator& communicator, std::span<T> root);

  // The vectors in memory: partial sums, and spare ones kept for the next.
  std::size_t vectors_held() const;

 private:
  struct Node {
    int level;
    std::size_t index;
    std::optional<Buffer<T>> values;  // none: all its shards were skipped
  };

  Buffer<T> take_neutral(const Stream& stream);
  void place(const Stream& stream, std::size_t shard, std::optional<Buffer<T>> values);
  void fold(const Stream& stream);
  bool absent(int level, std::size_t index) const;
  void join(const Stream& stream, Node& left, std::optional<Buffer<T>> right);
  void send_first(const Stream& stream, Communicator& communicator, int level);
  void receive_last(const Stream& stream, Communicator& communicator, int level);
  void check_turn(std::size_t shard) const;
  void check_size(std::size_t shard, std::size_t size) const;
  void check_finish(const Communicator& communicator, std::span<T> root) const;

  std::size_t virtual_shards_;
  std::size_t vector_size_;
  Device memory_;
  Range added_;              // the shards added so far
  std::vector<Node> nodes_;  // disjoint, ordered by the shards they cover
  std::vector<Buffer<T>> spare_;
};

using SumTree = SumTreeOf<double>;

}  // namespace bayesum
