#include "core/coordinator.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "core/staging.hpp"
#include "distributed/sum_tree.hpp"
#include "kernels/buffer.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

// What the coordinators share: the sum over this rank's shards, in a tree or as they come, beside
// the wire; `total_` holds payload and counts. The rest differs in who receives which part of it.
class SummingCoordinator : public Coordinator {
 public:
  SummingCoordinator(bool deterministic, Communicator& communicator, std::size_t payload_size,
                     std::size_t virtual_shards, Device device)
      : communicator_(communicator),
        payload_size_(payload_size),
        memory_(communicator.memory() == DeviceKind::kCpu ? Device{} : device),
        staged_(memory_ == device ? Device{} : memory_,
                memory_ == device ? 0 : payload_size + Message::kScalars),
        total_(memory_, payload_size + Message::kScalars) {
    if (deterministic) tree_.emplace(virtual_shards, total_.size(), memory_);
  }

  void add(const Stream& stream, std::size_t shard, const Message& message) override {
    std::span<const double> values = message.wire();
    if (message.device() != memory_) {
      copy(stream, values, staged_.span());
      values = staged_.span();
    }
    const Stream wire = wire_stream(stream, communicator_);
    if (tree_) {
      tree_->add(wire, shard, values);
    } else {
      apply(wire, AddScaled{.scale = 1.0, .x = values.data(), .out = total_.data()}, total_.size());
    }
  }

  void skip(const Stream& stream, std::size_t shard) override {
    if (tree_) tree_->skip(wire_stream(stream, communicator_), shard);
  }

  void reduce(const Stream& stream, std::span<double> payload, std::span<double> scalars) override {
    const Stream wire = wire_stream(stream, communicator_);
    if (tree_) {
      tree_->finish(wire, communicator_, total_.span());
      distribute(wire);
    } else {
      sum_over_ranks(wire);
    }
    const std::span<const double> sum = owned_sum();
    copy(wire, sum, payload);
    copy(wire, std::span<const double>(counts()), scalars);
    apply(wire, Fill{0.0, total_.data()}, total_.size());
  }

 protected:
  // From `total_` on rank 0 to where each part belongs, the counts to everyone.
  virtual void distribute(const Stream& wire) = 0;
  // From the partial sums in `total_` of all ranks, likewise.
  virtual void sum_over_ranks(const Stream& wire) = 0;
  virtual std::span<const double> owned_sum() const = 0;

  std::span<double> payload() { return total_.span().first(payload_size_); }
  std::span<const double> payload() const { return total_.span().first(payload_size_); }
  std::span<double> counts() { return total_.span().subspan(payload_size_); }

  Communicator& communicator_;
  std::size_t payload_size_;
  Device memory_;
  Buffer<double> staged_;  // a message on its way to another device
  Buffer<double> total_;
  std::optional<SumTree> tree_;
};

class ReplicatedCoordinator final : public SummingCoordinator {
 public:
  using SummingCoordinator::SummingCoordinator;

  Range owned() const override { return {0, payload_size_}; }
  void publish(const Stream&, std::span<double>) override {}
  double max_over_owners(const Stream&, double value) override { return value; }

 private:
  void distribute(const Stream& wire) override { communicator_.broadcast(wire, total_.span(), 0); }
  void sum_over_ranks(const Stream& wire) override {
    communicator_.all_reduce(wire, total_.span());
  }
  std::span<const double> owned_sum() const override { return payload(); }
};

// Rank r coordinates counts[r] elements of lambda: everything on rank 0 for `root`, about equal
// slices for `sharded`.
class SlicedCoordinator final : public SummingCoordinator {
 public:
  SlicedCoordinator(bool deterministic, Communicator& communicator, std::size_t virtual_shards,
                    Device device, std::vector<std::size_t> slice_counts)
      : SummingCoordinator(deterministic, communicator,
                           std::reduce(slice_counts.begin(), slice_counts.end()), virtual_shards,
                           device),
        slice_counts_(std::move(slice_counts)),
        slice_(memory_, owned().size()) {}

  Range owned() const override { return slice_of(communicator_.rank()); }

  void publish(const Stream& stream, std::span<double> whole) override {
    on_wire(stream, communicator_, whole, [this](const Stream& wire, std::span<double> x) {
      communicator_.all_gather(wire, x.subspan(owned().first, owned().size()), slice_counts_, x);
    });
  }

  double max_over_owners(const Stream& stream, double value) override {
    // A maximum may pass over NaN on its way: infinity stands for it.
    if (std::isnan(value)) value = std::numeric_limits<double>::infinity();
    on_wire(stream, communicator_, std::span(&value, 1),
            [this](const Stream& wire, std::span<double> x) {
              communicator_.all_reduce(wire, x, Reduction::kMax);
            });
    return value;
  }

 private:
  Range slice_of(int rank) const {
    const auto first = std::reduce(slice_counts_.begin(), slice_counts_.begin() + rank);
    return {first, first + slice_counts_[static_cast<std::size_t>(rank)]};
  }

  void distribute(const Stream& wire) override {
    if (communicator_.rank() == 0) {
      copy<double>(wire, payload().first(slice_.size()), slice_.span());
      for (int rank = 1; rank < communicator_.size(); ++rank) {
        const Range range = slice_of(rank);
        if (range.size() == 0) continue;
        communicator_.send(wire, payload().subspan(range.first, range.size()), rank);
      }
    } else if (slice_.size() > 0) {
      communicator_.receive(wire, slice_.span(), 0);
    }
    communicator_.broadcast(wire, counts(), 0);
  }

  void sum_over_ranks(const Stream& wire) override {
    communicator_.reduce_scatter(wire, payload(), slice_counts_, slice_.span());
    communicator_.all_reduce(wire, counts());
  }

  std::span<const double> owned_sum() const override { return slice_.span(); }

  std::vector<std::size_t> slice_counts_;
  Buffer<double> slice_;
};

}  // namespace

void CoordinatorConfig::describe(Fields& fields) {
  fields.add("coordinator.kind", kind, {"replicated", "root", "sharded"},
             "who applies the rule: every rank, rank 0, or each rank to its slice of a posterior "
             "that can be cut");
  fields.add("coordinator.deterministic", deterministic,
             "sum the virtual shards in a fixed tree: the same bits for any number of ranks");
}

std::unique_ptr<Coordinator> make_coordinator(const CoordinatorConfig& config,
                                              Communicator& communicator, const Posterior& layout,
                                              std::size_t virtual_shards, Device device) {
  const auto ranks = static_cast<std::size_t>(communicator.size());
  if (config.kind == "replicated") {
    return std::make_unique<ReplicatedCoordinator>(config.deterministic, communicator,
                                                   layout.size(), virtual_shards, device);
  }
  std::vector<std::size_t> counts(ranks);
  if (config.kind == "sharded") {
    counts = layout.slice_counts(ranks);
  } else {
    counts[0] = layout.size();
  }
  return std::make_unique<SlicedCoordinator>(config.deterministic, communicator, virtual_shards,
                                             device, std::move(counts));
}

}  // namespace bayesum
