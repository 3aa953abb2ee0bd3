#include "launch/signals.hpp"

#include <atomic>
#include <csignal>

namespace bayesum {
namespace {

constexpr int kStopSignals[] = {SIGUSR1, SIGTERM};

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int signal) {
  if (!requested.exchange(true)) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

void watch_signals() {
  for (const int signal : kStopSignals) handle(signal, on_signal);
  handle(SIGCONT, SIG_IGN);
}

bool stop_requested() { return requested; }

void release_signals() {
  for (const int signal : kStopSignals) handle(signal, SIG_DFL);
}

}  // namespace bayesum
