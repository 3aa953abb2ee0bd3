#include "launch/signals.hpp"

#include <gtest/gtest.h>
#include <ucontext.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <vector>

namespace bayesum {
namespace {

constexpr auto kUntouched = std::byte{0x5a};
constexpr std::size_t kStack = std::size_t{1} << 18;
// What functions called at the top of the stack may need; the registers that the system saves for a
// handler reach further down.
constexpr std::size_t kOwn = std::size_t{1} << 10;

ucontext_t outside;
std::vector<std::byte> stack;
bool untouched = false;

void receive() {
  std::byte here{};
  const auto top = static_cast<std::size_t>(&here - stack.data());
  std::fill_n(stack.begin(), top - kOwn, kUntouched);
  std::raise(SIGUSR1);
  untouched = std::all_of(stack.begin(), stack.begin() + static_cast<std::ptrdiff_t>(top - kOwn),
                          [](std::byte value) { return value == kUntouched; });
}

// What lies below a thread's stack pointer may be someone's data: generated code that has use for
// all registers moves the pointer into them.
TEST(Signals, AStopWritesNothingBelowTheStackPointer) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer writes there itself when a signal is raised";
#endif
  watch_signals();
  std::raise(SIGCONT);  // ignored; the dynamic linker looks `raise` up, on the stack
  EXPECT_FALSE(stop_requested());
  stack.resize(kStack);
  ucontext_t inside;
  getcontext(&inside);
  inside.uc_stack.ss_sp = stack.data();
  inside.uc_stack.ss_size = stack.size();
  inside.uc_link = &outside;
  makecontext(&inside, receive, 0);
  swapcontext(&outside, &inside);
  EXPECT_TRUE(stop_requested());
  EXPECT_TRUE(untouched);
  release_signals();
}

// The second request ends a process at once, but not one that is about to end by itself.
TEST(Signals, ARankThatStoppedEndsByItself) {
  watch_signals();
  ignore_signals();
  for (int time = 0; time < 3; ++time) {
    std::raise(SIGTERM);
    std::raise(SIGUSR1);
  }
  release_signals();
  EXPECT_EXIT(std::raise(SIGTERM), ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace bayesum
