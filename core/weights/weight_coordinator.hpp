#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/coordinator.hpp"
#include "core/weights/parameter_space.hpp"
#include "core/weights/weight_message.hpp"
#include "distributed/sum_tree.hpp"

namespace bayesum {

// Who applies the rule to which weights; the kinds and modes of core/coordinator.hpp, for messages
// in float32 that stay on the device of the stream.
//
// What crosses the wire in the fast mode, and what is published, goes in buckets, cut from the last
// parameters to the first, in the order in which a backward pass finishes them; of each bucket
// every rank owns a part (sharded), or rank 0 all (root), or every rank all (replicated).
class WeightCoordinator {
 public:
  // Elements of a bucket on the host: 1 MiB through shared memory, where what is larger falls out
  // of the caches.
  static constexpr std::size_t kHostBucket = std::size_t{1} << 18;

  WeightCoordinator(const CoordinatorConfig& config, Communicator& communicator,
                    const ParameterSpace& parameters, bool with_second, std::size_t virtual_shards,
                    Device device);
  WeightCoordinator(const WeightCoordinator&) = delete;
  WeightCoordinator& operator=(const WeightCoordinator&) = delete;

  // The parameters that this rank coordinates, ascending; cuts are multiples of
  // ParameterSpace::kAlignment.
  const std::vector<Range>& owned() const { return owned_; }

  // The message that a virtual shard of this rank adds to, until it is closed; shards come in
  // order.
  WeightMessage& open(const Stream& stream);
  void close(const Stream& stream, std::size_t shard);

  // Collective: the only sum of the step. Of the result, valid until the next `open`, the owned
  // part of gradient and second is the sum. In deterministic mode its bits are the same for any
  // number of ranks and every kind, and so are those of the counts and the norm.
  const WeightMessage& reduce(const Stream& stream);
  // Of that sum: its counts, in host memory on every rank.
  const std::array<double, WeightMessage::kScalars>& counts() const { return counts_; }
  // Of the gradient in that sum: the square root of its sum of squares; NaN or infinite when an
  // element is, or one of the second part. Rank 0's, so that every rank decides alike.
  double gradient_norm() const { return gradient_norm_; }

  // Collective: a vector over the parameters, from the owners of its parts to every rank.
  void publish(const Stream& stream, std::span<float> whole);

 private:
  std::vector<std::size_t> counts_of(Range bucket) const;
  Range part_of(Range bucket, int rank) const;
  template <class T>
  void add_to(SumTreeOf<T>& tree, const Stream& stream, std::size_t shard,
              std::span<const T> values);
  void sum_in_tree(const Stream& stream);
  void hand_out(const Stream& stream, std::span<float> whole);
  void sum_as_it_comes(const Stream& stream);
  void sum_bucket(const Stream& stream, Range bucket, std::span<float> whole);
  double squares_in(const Stream& stream, const std::vector<Range>& ranges);
  template <class Collective>
  void on_wire_memory(const Stream& stream, std::span<float> x, Collective&& collective);

  bool replicated_;
  bool root_;
  Communicator& communicator_;
  Device device_;
  Device memory_;  // where payloads cross
  std::vector<Range> buckets_;
  std::vector<Range> owned_;
  WeightMessage total_;  // of this rank, then of all
  bool begun_ = false;   // has a shard been added to it since the last sum?
  WeightMessage open_;   // of one virtual shard, where a tree adds them
  std::optional<SumTreeOf<float>> tree_;
  std::optional<SumTree> counts_tree_;
  Buffer<float> staged_;  // a bucket on its way to another memory
  std::array<double, WeightMessage::kScalars> counts_{};
  double gradient_norm_ = 0;
};

}  // namespace bayesum
