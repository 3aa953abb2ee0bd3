#include "core/weights/held_out.hpp"

#include <algorithm>

#include "core/agree.hpp"
#include "core/staging.hpp"
#include "distributed/sum_tree.hpp"

namespace bayesum {

std::array<double, WeightMessage::kScalars> score_in_order(const Stream& stream,
                                                           Communicator& communicator,
                                                           Network& network,
                                                           std::span<const float> theta,
                                                           ExampleFeed& feed, std::uint64_t limit) {
  const std::uint64_t there = feed.examples().size_in_order();
  const std::uint64_t examples = limit == 0 ? there : std::min(limit, there);
  const std::size_t batches = (examples + feed.rows() - 1) / feed.rows();
  const Stream wire = wire_stream(stream, communicator);
  SumTree tree(batches, WeightMessage::kScalars, wire.device());
  agree(communicator, stream, [&] {
    constexpr std::size_t kScalars = WeightMessage::kScalars;
    const Range mine = shards_of_rank(batches, communicator.size(), communicator.rank());
    Buffer<double> counts(stream.device(), mine.size() * kScalars);
    const auto of = [&](std::size_t batch) {
      return counts.span().subspan((batch - mine.first) * kScalars).first<kScalars>();
    };
    for (std::size_t batch = mine.first; batch < mine.last; ++batch) {
      const std::uint64_t first = batch * feed.rows();
      const auto rows =
          static_cast<std::size_t>(std::min<std::uint64_t>(feed.rows(), examples - first));
      network.evaluate(stream, theta, feed.fetch_in_order(stream, first, rows), of(batch));
      communicator.activity().move();
    }
    stream.synchronize();  // once, not for each batch: the host runs ahead of a GPU
    for (std::size_t batch = mine.first; batch < mine.last; ++batch) {
      Buffer<double> leaf = tree.take();
      copy<double>(stream, of(batch), leaf.span());
      tree.add(wire, batch, std::move(leaf));
    }
  });
  Buffer<double> root(wire.device(), WeightMessage::kScalars);
  tree.finish(wire, communicator, root.span());
  communicator.broadcast(wire, root.span(), 0);
  std::array<double, WeightMessage::kScalars> sums{};
  copy<double>(wire, root.span(), sums);
  return sums;
}

}  // namespace bayesum
