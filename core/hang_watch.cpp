#include "core/hang_watch.hpp"

#include <algorithm>
#include <sstream>

namespace bayesum {
namespace {

constexpr HangWatch::Time kSecondWord{1};

}  // namespace

std::string to_string(const Pulse& pulse) {
  return to_string(pulse.phase) + " at step " + std::to_string(pulse.step);
}

std::string to_string(const Hang& hang, std::span<const std::string> hosts) {
  const std::string who = "rank " + std::to_string(hang.rank) + " on " +
                          hosts[static_cast<std::size_t>(hang.rank)] + " hangs: ";
  std::ostringstream seconds;
  seconds.precision(3);
  seconds << hang.seconds << " s";
  switch (hang.kind) {
    case Hang::Kind::kSilent:
      return who + "nothing was heard of it for " + seconds.str() + ", when it was " +
             to_string(hang.last);
    case Hang::Kind::kStuck:
      return who + "it has been " + to_string(hang.last) + " without moving for " + seconds.str() +
             ", and others wait";
    case Hang::Kind::kAll:
      break;
  }
  return who + "all ranks wait for each other, and it for " + seconds.str() + ", " +
         to_string(hang.last);
}

HangWatch::HangWatch(int rank, int size, Time timeout)
    : rank_(rank),
      timeout_(rank > 1 ? timeout + kSecondWord : timeout),
      ranks_(rank == 0 ? static_cast<std::size_t>(size) : 1) {}

void HangWatch::hear(int from, const Pulse& pulse, Time now) {
  Rank& rank = ranks_[static_cast<std::size_t>(from)];
  if (!(rank.pulse == pulse)) rank.moved = now;
  rank.pulse = pulse;
  rank.heard = now;
}

std::optional<Hang> HangWatch::find(Time now) const {
  if (const auto silent = silent_rank(now)) return silent;
  return rank_ == 0 ? stuck_rank(now) : std::nullopt;
}

std::optional<Hang> HangWatch::silent_rank(Time now) const {
  const auto found = std::ranges::find_if(
      ranks_, [&](const Rank& rank) { return !rank.left() && now - rank.heard > timeout_; });
  if (found == ranks_.end()) return std::nullopt;
  return Hang{Hang::Kind::kSilent, static_cast<int>(found - ranks_.begin()), found->pulse,
              (now - found->heard).count()};
}

std::optional<Hang> HangWatch::stuck_rank(Time now) const {
  const Rank* busy = nullptr;     // longest without moving, of those that do not wait
  const Rank* waiting = nullptr;  // likewise, of those that do
  bool all_wait = true;
  for (const Rank& rank : ranks_) {
    if (rank.left()) continue;
    const bool still = rank.still(now) > timeout_;
    const bool waits = rank.pulse.waiting != 0;
    all_wait = all_wait && still && waits;
    const Rank*& longest = waits ? waiting : busy;
    if (still && (longest == nullptr || rank.moved < longest->moved)) longest = &rank;
  }
  if (waiting == nullptr || (busy == nullptr && !all_wait)) return std::nullopt;
  const Rank* const named = busy != nullptr ? busy : waiting;
  return Hang{busy != nullptr ? Hang::Kind::kStuck : Hang::Kind::kAll,
              static_cast<int>(named - ranks_.data()), named->pulse, named->still(now).count()};
}

bool HangWatch::has_left(int rank) const { return at(rank).left(); }

bool HangWatch::all_others_left() const {
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (static_cast<int>(rank) != rank_ && !ranks_[rank].left()) return false;
  }
  return true;
}

}  // namespace bayesum
