#include "launch/network/straggler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/staging.hpp"
#include "launch/job.hpp"
#include "launch/table.hpp"

namespace bayesum {
namespace {

constexpr double kSlow = 1.5;
constexpr double kTelling = 1.0;  // seconds

}  // namespace

std::optional<Straggler> straggler_of(std::span<const double> seconds) {
  std::optional<Straggler> slowest;
  std::vector<double> others;
  for (std::size_t rank = 0; rank < seconds.size(); ++rank) {
    if (std::isnan(seconds[rank])) continue;
    if (!slowest || seconds[rank] > seconds[slowest->rank]) slowest = Straggler{.rank = rank};
    others.push_back(seconds[rank]);
  }
  if (others.size() < 2) return std::nullopt;
  std::ranges::sort(others);
  others.pop_back();
  const std::size_t half = others.size() / 2;
  const double median =
      others.size() % 2 == 1 ? others[half] : 0.5 * (others[half - 1] + others[half]);
  slowest->ratio = seconds[slowest->rank] / median;
  return slowest->ratio > kSlow ? slowest : std::nullopt;
}

std::string straggler_text(double seconds, std::size_t shards, const Stream& stream,
                           Communicator& ranks) {
  const std::vector<std::string> hosts = hosts_of(stream, ranks);
  const double of_a_shard =
      shards > 0 ? seconds / static_cast<double>(shards) : std::numeric_limits<double>::quiet_NaN();
  const auto all = gather(stream, ranks, std::span<const double>(&seconds, 1));
  const auto slow = straggler_of(gather(stream, ranks, std::span<const double>(&of_a_shard, 1)));
  if (!slow || all[slow->rank] < kTelling) return {};
  return "rank " + std::to_string(slow->rank) + " on " + hosts[slow->rank] + " took " +
         rounded(slow->ratio, 2) + " times as long over a virtual shard as the others";
}

}  // namespace bayesum
