#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/hang_watch.hpp"
#include "distributed/heartbeat.hpp"

namespace bayesum {

// A thread on every rank that ends the job when a rank hangs. Every rank tells rank 0 what it is
// doing, and rank 0 tells every rank, eight times in the timeout and at least once a second; a
// process that is stopped tells nothing. Who finds a hang says which rank, where and at what, and
// takes all ranks down with ExitCode::kHang.
//
// One on every rank. They end together, each when all work is done, or alone on the way out of an
// exception.
class Watchdog {
 public:
  // `hosts` by rank; `say` is called at most once, from the thread, just before the end.
  Watchdog(const Activity& activity, std::unique_ptr<Heartbeat> heartbeat, HangWatch::Time timeout,
           std::vector<std::string> hosts, std::function<void(const std::string&)> say);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  enum class End { kNotYet, kTogether, kAlone };

  void run();
  void leave_together();
  void tell(const Pulse& pulse);
  void look();
  void advance_clock();
  bool wait_for_end(HangWatch::Time longest);

  const Activity& activity_;
  std::unique_ptr<Heartbeat> heartbeat_;
  HangWatch watch_;
  HangWatch::Time interval_;
  std::vector<std::string> hosts_;
  std::function<void(const std::string&)> say_;
  std::chrono::steady_clock::time_point last_look_;
  HangWatch::Time now_{0};
  int exceptions_at_start_;
  std::mutex mutex_;
  std::condition_variable ended_;
  End end_ = End::kNotYet;
  std::thread thread_;  // the last, so that it finds the others made
};

}  // namespace bayesum
