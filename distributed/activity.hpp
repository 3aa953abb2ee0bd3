#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace bayesum {

// What a rank does in a training, as a sentence about it says.
enum class Phase : std::int32_t {
  kStarting,
  kReading,     // the data, for the first time
  kGathering,   // evidence
  kReducing,    // the sum over ranks
  kUpdating,    // the posterior, and the report of it
  kPublishing,  // the posterior to the ranks
  kSaving,      // a file
  kLeaving      // its work is done
};

inline std::string to_string(Phase phase) {
  constexpr const char* kNames[] = {"starting", "reading",    "gathering", "reducing",
                                    "updating", "publishing", "saving",    "leaving"};
  return kNames[static_cast<int>(phase)];
}

// A rank's activity at one moment. Two that differ show that it has moved.
struct Pulse {
  Phase phase = Phase::kStarting;
  std::uint32_t waiting = 0;  // 1 inside a call of the communicator, where it may wait for others
  std::int64_t step = 0;
  std::uint64_t moves = 0;

  bool operator==(const Pulse&) const = default;
};

// What this rank is doing: written by the thread that works, read by one that watches. A few plain
// stores; what is read may be a moment old and may mix two moments.
class Activity {
 public:
  void enter(Phase phase, std::int64_t step) {
    phase_.store(phase, std::memory_order_relaxed);
    step_.store(step, std::memory_order_relaxed);
    move();
  }
  void enter(Phase phase) { enter(phase, step_.load(std::memory_order_relaxed)); }

  // Something was done that the others may have to wait for, such as a block of rows.
  void move() {
    moves_.store(moves_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  Pulse pulse() const {
    return {phase_.load(std::memory_order_relaxed), waiting_.load(std::memory_order_relaxed),
            step_.load(std::memory_order_relaxed), moves_.load(std::memory_order_relaxed)};
  }

  // As long as it lives, the rank is inside a call.
  class Call {
   public:
    explicit Call(Activity& activity) : activity_(activity) { set(1); }
    ~Call() { set(0); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    void set(std::uint32_t waiting) {
      activity_.waiting_.store(waiting, std::memory_order_relaxed);
      activity_.move();
    }

    Activity& activity_;
  };

 private:
  std::atomic<Phase> phase_{Phase::kStarting};
  std::atomic<std::uint32_t> waiting_{0};
  std::atomic<std::int64_t> step_{0};
  std::atomic<std::uint64_t> moves_{0};
};

}  // namespace bayesum
