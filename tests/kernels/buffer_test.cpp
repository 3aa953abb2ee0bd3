#include "kernels/buffer.hpp"

#include <algorithm>
#include <vector>

#include "kernels/elementwise.hpp"
#include "kernels/error.hpp"
#include "tests/kernels/kernel_test.hpp"

// Under a sanitizer, too, memory that is not there is no reason to abort.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }

namespace bayesum::test {
namespace {

using BufferTest = KernelTest;

TEST_F(BufferTest, MemoryIsZeroedAndAligned) {
  for (const std::size_t size : kAwkwardSizes) {
    Buffer<double> buffer(stream().device(), size);
    EXPECT_EQ(buffer.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % memory::kAlignment, 0U);
    std::vector<double> host(size, 1.0);
    copy<double>(stream(), buffer.span(), host);
    EXPECT_EQ(host, std::vector<double>(size));
  }
}

TEST_F(BufferTest, CopiesGoThereAndBack) {
  for (const std::size_t size : kAwkwardSizes) {
    const std::vector<double> values = random_vector(size, 1);
    auto first = on_device(values), second = zeros(size);
    copy<double>(stream(), first.span(), second.span());
    EXPECT_EQ(second.host(), values);
  }
  std::vector<double> host(3);
  EXPECT_THROW(copy<double>(stream(), zeros(4).span(), host), Error);
}

// Whatever its size, what is copied from the host is read by the time that the call returns, and is
// kept until the device, which is busy, takes it.
TEST_F(BufferTest, TheSourceOfACopyMayBeChangedAtOnce) {
  constexpr std::size_t kSize = 3 * (std::size_t{1} << 17) + 5;
  constexpr std::size_t kCopies = 20;
  std::vector<double> host(kSize);
  std::vector<Buffer<double>> there;
  for (std::size_t k = 0; k < kCopies; ++k) there.emplace_back(stream().device(), kSize);
  Buffer<double> work(stream().device(), std::size_t{1} << 22);
  for (int pass = 0; pass < 20; ++pass) {
    apply(stream(), Fill{.value = 1.0 * pass, .out = work.data()}, work.size());
  }
  for (std::size_t k = 0; k < kCopies; ++k) {
    for (std::size_t i = 0; i < kSize; ++i) host[i] = static_cast<double>(k * kSize + i);
    copy<double>(stream(), host, there[k].span());
    std::ranges::fill(host, -1.0);
  }
  for (std::size_t k = 0; k < kCopies; ++k) {
    copy<double>(stream(), there[k].span(), host);
    for (std::size_t i = 0; i < kSize; ++i) {
      ASSERT_EQ(host[i], static_cast<double>(k * kSize + i)) << k;
    }
  }
}

TEST_F(BufferTest, MovingHandsTheMemoryOver) {
  Buffer<double> first(stream().device(), 5);
  const double* const data = first.data();
  Buffer<double> second = std::move(first);
  EXPECT_EQ(second.data(), data);
  first = Buffer<double>(stream().device(), 2);
  std::swap(first, second);
  EXPECT_EQ(first.data(), data);
  EXPECT_EQ(second.size(), 2U);
}

TEST_F(BufferTest, MoreMemoryThanThereIsIsAnError) {
  try {
    Buffer<double> buffer(stream().device(), std::size_t{1} << 58);
    FAIL() << "2 EiB were handed out";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kDevice);
  }
}

}  // namespace
}  // namespace bayesum::test
