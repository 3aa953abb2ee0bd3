#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/weights/example_feed.hpp"
#include "core/weights/network.hpp"
#include "distributed/communicator.hpp"

namespace bayesum {

// Collective: loss, examples and correct of the first `limit` examples in order (0: all) at theta,
// which is whole on every rank. Batches of the feed's size are the leaves of a fixed tree of sums:
// the same bits for any number of ranks.
std::array<double, WeightMessage::kScalars> score_in_order(const Stream& stream,
                                                           Communicator& communicator,
                                                           Network& network,
                                                           std::span<const float> theta,
                                                           ExampleFeed& feed, std::uint64_t limit);

}  // namespace bayesum
