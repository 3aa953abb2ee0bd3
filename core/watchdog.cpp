#include "core/watchdog.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

using Time = HangWatch::Time;

constexpr double kBeats = 8;  // in a timeout
constexpr Time kLongestInterval{1};
constexpr Time kParting{0.001};  // between looks when this rank has done its work

}  // namespace

Watchdog::Watchdog(const Activity& activity, std::unique_ptr<Heartbeat> heartbeat, Time timeout,
                   std::vector<std::string> hosts, std::function<void(const std::string&)> say)
    : activity_(activity),
      heartbeat_(std::move(heartbeat)),
      watch_(heartbeat_->rank(), heartbeat_->size(), timeout),
      interval_(std::min(timeout / kBeats, kLongestInterval)),
      hosts_(std::move(hosts)),
      say_(std::move(say)),
      last_look_(std::chrono::steady_clock::now()),
      exceptions_at_start_(std::uncaught_exceptions()),
      thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    const bool failed = std::uncaught_exceptions() > exceptions_at_start_;
    end_ = failed ? End::kAlone : End::kTogether;
  }
  ended_.notify_all();
  thread_.join();
}

void Watchdog::run() {
  do {
    tell(activity_.pulse());
    look();
  } while (!wait_for_end(interval_));
  if (end_ == End::kTogether) {
    leave_together();
  } else {
    tell({.phase = Phase::kLeaving});
  }
}

// Rank 0 leaves last, when it has heard that all others do: nothing is on its way then.
void Watchdog::leave_together() {
  const Pulse farewell{.phase = Phase::kLeaving};
  const bool is_root = heartbeat_->rank() == 0;
  if (!is_root) {
    while (!heartbeat_->send(farewell, 0)) std::this_thread::sleep_for(kParting);
  }
  Time told = now_;
  while (!(is_root ? watch_.all_others_left() : watch_.has_left(0))) {
    std::this_thread::sleep_for(kParting);
    look();
    if (!is_root || now_ - told < interval_) continue;
    tell(activity_.pulse());
    told = now_;
  }
  if (!is_root) return;
  for (int rank = 1; rank < heartbeat_->size(); ++rank) {
    while (!heartbeat_->send(farewell, rank)) std::this_thread::sleep_for(kParting);
  }
}

void Watchdog::tell(const Pulse& pulse) {
  if (heartbeat_->rank() > 0) {
    heartbeat_->send(pulse, 0);
    return;
  }
  for (int rank = 1; rank < heartbeat_->size(); ++rank) heartbeat_->send(pulse, rank);
}

void Watchdog::look() {
  advance_clock();
  while (const auto beat = heartbeat_->receive()) watch_.hear(beat->from, beat->pulse, now_);
  if (heartbeat_->rank() == 0) watch_.hear(0, activity_.pulse(), now_);
  const auto hang = watch_.find(now_);
  if (!hang) return;
  std::string sentence = to_string(*hang, hosts_);
  if (hang->rank != heartbeat_->rank()) {
    sentence +=
        "; rank " + std::to_string(heartbeat_->rank()) + " is " + to_string(activity_.pulse());
  }
  say_(sentence);
  heartbeat_->abort(static_cast<int>(ExitCode::kHang));
}

// By the time since the last look, but not by that for which this process itself stood still.
void Watchdog::advance_clock() {
  const auto now = std::chrono::steady_clock::now();
  now_ += std::min<Time>(now - last_look_, 2 * interval_);
  last_look_ = now;
}

bool Watchdog::wait_for_end(Time longest) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, longest, [this] { return end_ != End::kNotYet; });
}

}  // namespace bayesum
