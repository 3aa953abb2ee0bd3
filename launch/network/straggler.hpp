#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "distributed/communicator.hpp"
#include "kernels/stream.hpp"

namespace bayesum {

// A rank that the others wait for.
struct Straggler {
  std::size_t rank = 0;
  double ratio = 1;  // of its time to that of the others
};

// The rank of the longest time, where that is more than 1.5 times the median of the others'. NaN
// is a rank that had nothing to do.
std::optional<Straggler> straggler_of(std::span<const double> seconds);

// Collective: which rank was slow over the evidence of a virtual shard, in words; empty where there
// is none, and where no rank worked for a second, in which nothing can be told. `seconds` are those
// that this rank took over its `shards`, without waiting for others.
std::string straggler_text(double seconds, std::size_t shards, const Stream& stream,
                           Communicator& ranks);

}  // namespace bayesum
