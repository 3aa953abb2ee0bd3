#include "launch/signals.hpp"

#include <atomic>
#include <csignal>
#include <cstddef>

namespace bayesum {
namespace {

constexpr int kStopSignals[] = {SIGUSR1, SIGTERM};

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// Handlers run on a stack of their own: oneDNN's products, until 2026, let the stack pointer of a
// thread point into the heap (uxlfoundation/oneDNN#4845), where a handler would write. Signals to a
// process go to its main thread. Large enough for the registers of any processor, AMX's included.
alignas(64) std::byte handler_stack[std::size_t{1} << 16];

void on_signal(int signal) {
  if (!requested.exchange(true)) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

void watch_signals() {
  const stack_t stack{.ss_sp = handler_stack, .ss_flags = 0, .ss_size = sizeof(handler_stack)};
  sigaltstack(&stack, nullptr);
  for (const int signal : kStopSignals) handle(signal, on_signal);
  handle(SIGCONT, SIG_IGN);
}

bool stop_requested() { return requested; }

void ignore_signals() {
  for (const int signal : kStopSignals) handle(signal, SIG_IGN);
}

void release_signals() {
  for (const int signal : kStopSignals) handle(signal, SIG_DFL);
}

}  // namespace bayesum
