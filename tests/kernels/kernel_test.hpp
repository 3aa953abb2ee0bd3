#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/buffer.hpp"
#include "kernels/matrix.hpp"
#include "kernels/stream.hpp"

namespace bayesum::test {

// The tests of this folder are linked twice: against cpu_device.cpp and against cuda_device.cpp. So
// both twins face the same oracles.
Device device_under_test();

// Empty when the device can be used; otherwise why it cannot.
std::string why_unusable();

inline const std::vector<std::size_t> kAwkwardSizes{0, 1, 31, 32, 33, 255, 256, 257, 4097};

inline std::vector<double> random_vector(std::size_t size, std::uint32_t seed, double low = -1.0,
                                         double high = 1.0) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> values(size);
  for (double& value : values) value = uniform(generator);
  return values;
}

inline constexpr std::size_t kOddGuards = 5;
inline constexpr std::size_t kEvenGuards = 64;  // then it lies at a multiple of 64 bytes

// A vector in the device's memory between guard elements, by default at an address as odd as can
// be.
template <class T>
class Guarded {
 public:
  Guarded(const Stream& stream, const std::vector<T>& values, std::size_t guards = kOddGuards)
      : stream_(stream),
        guards_(guards),
        size_(values.size()),
        memory_(stream.device(), size_ + 2 * guards) {
    std::vector<T> all(memory_.size(), kGuard);
    std::copy(values.begin(), values.end(), all.begin() + first());
    copy<T>(stream_, all, memory_.span());
  }
  ~Guarded() {
    const std::vector<T> all = everything();
    for (std::size_t i = 0; i < guards_; ++i) {
      EXPECT_EQ(all[i], kGuard) << "written " << guards_ - i << " elements before the start";
      EXPECT_EQ(all[guards_ + size_ + i], kGuard) << "written " << i << " elements past the end";
    }
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  std::span<T> span() { return memory_.span().subspan(guards_, size_); }
  T* data() { return span().data(); }
  MatrixView<T> matrix(std::size_t rows, std::size_t cols) { return {data(), rows, cols}; }
  std::vector<T> host() const {
    const std::vector<T> all = everything();
    return {all.begin() + first(), all.end() - first()};
  }

 private:
  static constexpr T kGuard = static_cast<T>(-777.25);

  std::ptrdiff_t first() const { return static_cast<std::ptrdiff_t>(guards_); }
  std::vector<T> everything() const {
    std::vector<T> all(memory_.size());
    copy<T>(stream_, memory_.span(), all);
    return all;
  }

  Stream stream_;
  std::size_t guards_, size_;
  Buffer<T> memory_;
};

class KernelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = why_unusable();
    if (reason.empty()) {
      stream_.emplace(device_under_test());
    } else if (const char* const required = std::getenv("BAYESUM_REQUIRE_CUDA");
               required != nullptr && std::string(required) == "1") {
      FAIL() << reason << ", and BAYESUM_REQUIRE_CUDA=1";
    } else {
      GTEST_SKIP() << reason;
    }
  }

  const Stream& stream() const { return *stream_; }
  Guarded<double> on_device(const std::vector<double>& values) const { return {stream(), values}; }
  Guarded<double> zeros(std::size_t size) const { return on_device(std::vector<double>(size)); }

 private:
  std::optional<Stream> stream_;
};

// Element by element, to `tolerance` times the larger of 1 and what was expected.
inline void expect_near(const std::vector<double>& actual, const std::vector<double>& expected,
                        double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance * std::max(1.0, std::fabs(expected[i])))
        << "element " << i;
  }
}

}  // namespace bayesum::test
