#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "kernels/bfloat16.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {

// Tests of operations on activations run for each type that stores them.
template <class T>
class NetworkTest : public KernelTest {
 protected:
  // What rounding to T may change of 1, and what float32 sums may add to that.
  static constexpr double kRounding = std::is_same_v<T, float> ? 0x1p-24 : 0x1p-8;
  static constexpr double kTolerance = kRounding + 2e-6;

  Guarded<T> store(const std::vector<T>& values) const { return {stream(), values, guards_}; }
  Guarded<T> empty(std::size_t size) const {
    return store(std::vector<T>(size, static_cast<T>(std::nanf(""))));
  }
  Guarded<float> floats(const std::vector<float>& values) const {
    return {stream(), values, guards_};
  }

  std::size_t guards_ = kOddGuards;
};

using StorageTypes = ::testing::Types<float, BFloat16>;

inline const std::vector<std::size_t> kNetworkSizes{0, 1, 31, 32, 33, 255, 256, 257};

// Random numbers as T holds them.
template <class T>
std::vector<T> random_values(std::size_t size, std::uint32_t seed, double low = -1.0,
                             double high = 1.0) {
  std::vector<T> values;
  for (const double value : random_vector(size, seed, low, high)) {
    values.push_back(static_cast<T>(static_cast<float>(value)));
  }
  return values;
}

inline double wide(float value) { return static_cast<double>(value); }

template <class T>
std::vector<double> wide(const std::vector<T>& values) {
  std::vector<double> result;
  for (const T value : values) result.push_back(wide(static_cast<float>(value)));
  return result;
}

// Element by element, to `tolerance` times what was expected or `scale`, whichever is larger.
template <class T>
void expect_close(const std::vector<T>& actual, const std::vector<double>& expected,
                  double tolerance, double scale = 1.0) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(wide(static_cast<float>(actual[i])), expected[i],
                tolerance * std::max(scale, std::fabs(expected[i])))
        << "element " << i << " of " << actual.size();
  }
}

// d f / d x_i by central differences of a function in float64.
template <class Function>
std::vector<double> finite_differences(std::vector<double> x, const Function& f) {
  constexpr double kStep = 1e-5;
  std::vector<double> slopes;
  for (double& value : x) {
    const double at = value;
    value = at + kStep;
    const double above = f(x);
    value = at - kStep;
    slopes.push_back((above - f(x)) / (2.0 * kStep));
    value = at;
  }
  return slopes;
}

inline double dot(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

}  // namespace bayesum::test
