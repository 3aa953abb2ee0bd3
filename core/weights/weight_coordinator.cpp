#include "core/weights/weight_coordinator.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/staging.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/reduce.hpp"

namespace bayesum {
namespace {

// In elements: what keeps a ring of GPUs busy.
constexpr std::size_t kDeviceBucket = std::size_t{1} << 23;

std::span<float> part(std::span<float> whole, Range range) {
  return whole.subspan(range.first, range.size());
}

void clear(const Stream& stream, WeightMessage& message) {
  const std::span<float> payload = message.payload();
  apply(stream, FillOf<float>{.value = 0.0f, .out = payload.data()}, payload.size());
  const std::span<double> counts = message.counts();
  apply(stream, Fill{.value = 0, .out = counts.data()}, counts.size());
}

}  // namespace

WeightCoordinator::WeightCoordinator(const CoordinatorConfig& config, Communicator& communicator,
                                     const ParameterSpace& parameters, bool with_second,
                                     std::size_t virtual_shards, Device device)
    : replicated_(config.kind == "replicated"),
      root_(config.kind == "root"),
      communicator_(communicator),
      device_(device),
      memory_(communicator.memory() == DeviceKind::kCpu ? Device{} : device),
      buckets_(parameters.buckets(memory_.kind == DeviceKind::kCpu ? kHostBucket : kDeviceBucket)),
      total_(device, parameters.size(), with_second) {
  for (const Range bucket : buckets_) {
    const Range mine = part_of(bucket, communicator.rank());
    if (mine.size() > 0) owned_.push_back(mine);
  }
  std::ranges::reverse(owned_);
  if (config.deterministic) {
    tree_.emplace(virtual_shards, total_.payload().size(), memory_);
    counts_tree_.emplace(virtual_shards, WeightMessage::kScalars, memory_);
    if (memory_ != device_) open_ = WeightMessage(device, parameters.size(), with_second);
  }
  if (memory_ != device_) {
    std::size_t largest = 0;
    for (const Range bucket : buckets_) largest = std::max(largest, bucket.size());
    staged_ = Buffer<float>(memory_, largest);
  }
}

WeightMessage& WeightCoordinator::open(const Stream& stream) {
  if (tree_) {
    if (memory_ == device_) {
      open_ = WeightMessage(tree_->take(), counts_tree_->take(), total_.gradient().size());
    }
    clear(stream, open_);
    return open_;
  }
  if (!begun_) clear(stream, total_);
  begun_ = true;
  return total_;
}

void WeightCoordinator::close(const Stream& stream, std::size_t shard) {
  if (!tree_) return;
  if (memory_ == device_) {
    tree_->add(stream, shard, open_.release_payload());
    counts_tree_->add(stream, shard, open_.release_counts());
  } else {
    add_to<float>(*tree_, stream, shard, open_.payload());
    add_to<double>(*counts_tree_, stream, shard, open_.counts());
  }
}

// From the device to a tree in another memory.
template <class T>
void WeightCoordinator::add_to(SumTreeOf<T>& tree, const Stream& stream, std::size_t shard,
                               std::span<const T> values) {
  Buffer<T> there = tree.take();
  copy<T>(stream, values, there.span());
  tree.add(wire_stream(stream, communicator_), shard, std::move(there));
}

const WeightMessage& WeightCoordinator::reduce(const Stream& stream) {
  if (tree_) {
    sum_in_tree(stream);
  } else {
    sum_as_it_comes(stream);
  }
  begun_ = false;
  return total_;
}

// The whole sum is rank 0's, which looks at it before every rank receives its part.
void WeightCoordinator::sum_in_tree(const Stream& stream) {
  const Stream wire = wire_stream(stream, communicator_);
  if (memory_ == device_) {
    tree_->finish(wire, communicator_, total_.payload());
  } else {
    Buffer<float> root = tree_->take();
    tree_->finish(wire, communicator_, root.span());
    copy<float>(stream, root.span(), total_.payload());
    tree_->give_back(std::move(root));
  }
  Buffer<double> counts = counts_tree_->take();
  counts_tree_->finish(wire, communicator_, counts.span());
  std::array<double, WeightMessage::kScalars + 1> known{};
  copy<double>(wire, counts.span(), std::span(known).first(counts.size()));
  counts_tree_->give_back(std::move(counts));
  if (communicator_.rank() == 0) {
    known.back() = squares_in(stream, {{0, total_.gradient().size()}});
  }
  on_wire(stream, communicator_, std::span<double>(known),
          [&](const Stream& s, auto x) { communicator_.broadcast(s, x, 0); });
  std::copy_n(known.begin(), counts_.size(), counts_.begin());
  gradient_norm_ = std::sqrt(known.back());
  hand_out(stream, total_.gradient());
  hand_out(stream, total_.second());
}

// From rank 0 to the owners.
void WeightCoordinator::hand_out(const Stream& stream, std::span<float> whole) {
  if (whole.empty() || communicator_.size() == 1 || root_) return;
  for (const Range bucket : buckets_) {
    if (replicated_) {
      on_wire_memory(stream, part(whole, bucket),
                     [&](const Stream& s, auto x) { communicator_.broadcast(s, x, 0); });
      continue;
    }
    for (int rank = 1; rank < communicator_.size(); ++rank) {
      const Range theirs = part_of(bucket, rank);
      if (theirs.size() == 0) continue;
      if (communicator_.rank() == 0) {
        on_wire_memory(stream, part(whole, theirs),
                       [&](const Stream& s, auto x) { communicator_.send(s, x, rank); });
      } else if (communicator_.rank() == rank) {
        on_wire_memory(stream, part(whole, theirs),
                       [&](const Stream& s, auto x) { communicator_.receive(s, x, 0); });
      }
    }
  }
}

// The sums of the ranks, bucket after bucket.
void WeightCoordinator::sum_as_it_comes(const Stream& stream) {
  if (!begun_) clear(stream, total_);
  for (const Range bucket : buckets_) {
    sum_bucket(stream, bucket, total_.gradient());
    if (!total_.second().empty()) sum_bucket(stream, bucket, total_.second());
  }
  std::array<double, WeightMessage::kScalars + 1> known{};
  copy<double>(stream, total_.counts(), std::span(known).first<WeightMessage::kScalars>());
  if (!replicated_ || communicator_.rank() == 0) known.back() = squares_in(stream, owned_);
  on_wire(stream, communicator_, std::span<double>(known), [&](const Stream& s, auto x) {
    communicator_.all_reduce(s, x);
    communicator_.broadcast(s, x, 0);
  });
  std::copy_n(known.begin(), counts_.size(), counts_.begin());
  gradient_norm_ = std::sqrt(known.back());
}

void WeightCoordinator::sum_bucket(const Stream& stream, Range bucket, std::span<float> whole) {
  if (communicator_.size() == 1) return;
  const std::vector<std::size_t> counts = counts_of(bucket);
  const Range mine = part_of(bucket, communicator_.rank());
  on_wire_memory(stream, part(whole, bucket), [&](const Stream& s, std::span<float> x) {
    if (replicated_) {
      communicator_.all_reduce(s, x);
    } else {
      communicator_.reduce_scatter(s, x, counts, x.subspan(mine.first - bucket.first, mine.size()));
    }
  });
}

// Of the gradient; not finite where the second part is not.
double WeightCoordinator::squares_in(const Stream& stream, const std::vector<Range>& ranges) {
  double squares = 0;
  for (const Range range : ranges) {
    squares += sum_of_squares(stream, part(total_.gradient(), range));
    if (total_.second().empty()) continue;
    const double second = sum_of_squares(stream, part(total_.second(), range));
    if (!std::isfinite(second)) squares += second;
  }
  return squares;
}

void WeightCoordinator::publish(const Stream& stream, std::span<float> whole) {
  if (replicated_ || communicator_.size() == 1) return;
  for (const Range bucket : buckets_) {
    const std::vector<std::size_t> counts = counts_of(bucket);
    const Range mine = part_of(bucket, communicator_.rank());
    on_wire_memory(stream, part(whole, bucket), [&](const Stream& s, std::span<float> x) {
      communicator_.all_gather(s, x.subspan(mine.first - bucket.first, mine.size()), counts, x);
    });
  }
}

// The elements of a bucket that each rank owns.
std::vector<std::size_t> WeightCoordinator::counts_of(Range bucket) const {
  const auto ranks = static_cast<std::size_t>(communicator_.size());
  if (replicated_) return std::vector<std::size_t>(ranks, bucket.size());
  if (!root_) return even_counts(bucket.size(), ranks, ParameterSpace::kAlignment);
  std::vector<std::size_t> counts(ranks);
  counts[0] = bucket.size();
  return counts;
}

Range WeightCoordinator::part_of(Range bucket, int rank) const {
  if (replicated_) return bucket;
  const std::vector<std::size_t> counts = counts_of(bucket);
  const auto first = std::reduce(counts.begin(), counts.begin() + rank, bucket.first);
  return {first, first + counts[static_cast<std::size_t>(rank)]};
}

// Runs a collective on values of the stream's device wherever the communicator wants its payload.
template <class Collective>
void WeightCoordinator::on_wire_memory(const Stream& stream, std::span<float> x,
                                       Collective&& collective) {
  if (memory_ == device_) {
    collective(stream, x);
    return;
  }
  const std::span<float> staged = staged_.span().first(x.size());
  copy<float>(stream, x, staged);
  collective(Stream(), staged);
  copy<float>(stream, staged, x);
}

}  // namespace bayesum
