#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "distributed/activity.hpp"

namespace bayesum {

// A rank for which the others have waited too long.
struct Hang {
  enum class Kind {
    kSilent,  // its process stands still, or its host is gone: nothing is heard of it
    kStuck,   // it is heard of but does not move, and another waits
    kAll      // every rank waits; this one has waited longest
  };

  Kind kind = Kind::kSilent;
  int rank = 0;
  Pulse last;
  double seconds = 0;
};

std::string to_string(const Pulse& pulse);  // "gathering at step 17"

// One sentence that names the rank, its host, its phase and its step; `hosts` by rank.
std::string to_string(const Hang& hang, std::span<const std::string> hosts);

// Tells from the pulses of ranks which of them hangs. Rank 0 hears all ranks and looks after all;
// the others hear rank 0 and look after it, rank 1 first and the others one second later, lest all
// speak at once. To compute for long is no hang: a rank that moves is left alone, and so is one
// that does not, as long as nobody waits in a call all that time.
//
// Time is `now`, which must stand still while the process of the watch does.
class HangWatch {
 public:
  using Time = std::chrono::duration<double>;

  HangWatch(int rank, int size, Time timeout);

  // A pulse of phase kLeaving is the last of its rank, which from then on cannot hang.
  void hear(int from, const Pulse& pulse, Time now);
  std::optional<Hang> find(Time now) const;

  bool has_left(int rank) const;
  bool all_others_left() const;

 private:
  struct Rank {
    Pulse pulse;
    Time heard{0};
    Time moved{0};  // heard to have moved

    bool left() const { return pulse.phase == Phase::kLeaving; }
    Time still(Time now) const { return now - moved; }
  };

  std::optional<Hang> silent_rank(Time now) const;
  std::optional<Hang> stuck_rank(Time now) const;
  const Rank& at(int rank) const { return ranks_[static_cast<std::size_t>(rank)]; }

  int rank_;
  Time timeout_;
  std::vector<Rank> ranks_;  // those heard of: all on rank 0, else rank 0
};

}  // namespace bayesum
