#include "kernels/network/activation.hpp"

#include <limits>

#include "kernels/error.hpp"
#include "kernels/network/math.hpp"
#include "tests/kernels/network/network_test.hpp"

namespace bayesum::test {
namespace {

double value_of(Activation f, double x) {
  const double root = std::sqrt(2.0 / M_PI);
  switch (f) {
    case Activation::kGelu:
      return x / (1.0 + std::exp(-2.0 * root * (x + 0.044715 * x * x * x)));
    case Activation::kRelu:
      return std::fmax(x, 0.0);
    case Activation::kTanh:
      return std::tanh(x);
  }
  return 0.0;
}

constexpr Activation kAll[] = {Activation::kGelu, Activation::kRelu, Activation::kTanh};

template <class T>
class ActivationTest : public NetworkTest<T> {};
TYPED_TEST_SUITE(ActivationTest, StorageTypes);

TYPED_TEST(ActivationTest, ValuesMatchTheLibrarysRelatively) {
  using T = TypeParam;
  for (const Activation f : kAll) {
    for (const std::size_t size : kNetworkSizes) {
      auto x = random_values<T>(size, 1, -6.0, 6.0);
      for (std::size_t i = 0; i < size; i += 3)
        x[i] = static_cast<T>(1e-4f * static_cast<float>(x[i]));
      std::vector<double> expected;
      for (const double at : wide(x)) expected.push_back(value_of(f, at));
      auto in = this->store(x), out = this->empty(size);
      activate(this->stream(), f, std::span<const T>(in.span()), out.span());
      // The exponent of gelu at -6 is 25, known to 25 2^-24 or so.
      expect_close(out.host(), expected, this->kRounding + 4e-6, 1e-12);
    }
  }
}

TYPED_TEST(ActivationTest, SlopesMatchFiniteDifferences) {
  using T = TypeParam;
  for (const Activation f : kAll) {
    for (const std::size_t size : kNetworkSizes) {
      const auto x = random_values<T>(size, 1, -6.0, 6.0), dy = random_values<T>(size, 2);
      std::vector<double> expected;
      for (std::size_t i = 0; i < size; ++i) {
        const double at = wide(static_cast<float>(x[i])), h = 1e-5;
        expected.push_back(wide(static_cast<float>(dy[i])) *
                           (value_of(f, at + h) - value_of(f, at - h)) / (2 * h));
      }
      auto in = this->store(x), d = this->store(dy);
      activate_backward(this->stream(), f, std::span<const T>(in.span()),
                        std::span<const T>(d.span()), d.span());
      expect_close(d.host(), expected, this->kTolerance);
    }
  }
}

TYPED_TEST(ActivationTest, ExtremesHaveTheirLimits) {
  using T = TypeParam;
  const std::vector<float> x{-3e38f, -1e4f, -40.0f, 0.0f, 40.0f, 1e4f, 3e38f};
  std::vector<T> values;
  for (const float at : x) values.push_back(static_cast<T>(at));
  for (const Activation f : kAll) {
    auto in = this->store(values), out = this->empty(x.size());
    auto d = this->store(std::vector<T>(x.size(), static_cast<T>(1.0f)));
    activate(this->stream(), f, std::span<const T>(in.span()), out.span());
    activate_backward(this->stream(), f, std::span<const T>(in.span()),
                      std::span<const T>(d.span()), d.span());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float limit = static_cast<float>(values[i]);
      const float expected = f == Activation::kTanh ? (x[i] > 0) - (x[i] < 0) : std::fmax(limit, 0);
      ASSERT_NEAR(static_cast<float>(out.host()[i]), expected, 1e-3f) << x[i];
      const float at_zero = f == Activation::kGelu ? 0.5f : f == Activation::kRelu ? 0.0f : 1.0f;
      const float far = f != Activation::kTanh && x[i] > 0 ? 1.0f : 0.0f;
      ASSERT_NEAR(static_cast<float>(d.host()[i]), x[i] == 0.0f ? at_zero : far, 1e-6f) << x[i];
    }
  }
}

// What a network that diverges comes to: where gelu all but vanishes it is zero, so that no product
// with it or with its slope is subnormal.
TYPED_TEST(ActivationTest, GeluEndsInZeros) {
  using T = TypeParam;
  std::vector<T> values;
  for (float x = -1.0f; x > -100.0f; x -= 0.01f) values.push_back(static_cast<T>(x));
  auto in = this->store(values), out = this->empty(values.size());
  auto d = this->store(std::vector<T>(values.size(), static_cast<T>(1.0f)));
  activate(this->stream(), Activation::kGelu, std::span<const T>(in.span()), out.span());
  activate_backward(this->stream(), Activation::kGelu, std::span<const T>(in.span()),
                    std::span<const T>(d.span()), d.span());
  const auto y = out.host(), slope = d.host();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto x = static_cast<float>(values[i]);
    for (const T result : {y[i], slope[i]}) {
      const float size = std::fabs(static_cast<float>(result));
      ASSERT_TRUE(x < -8.0f ? size == 0.0f : size > 1e-21f) << size << " at " << x;
    }
  }
}

TYPED_TEST(ActivationTest, NotANumberStaysOne) {
  using T = TypeParam;
  for (const Activation f : kAll) {
    auto values = this->empty(3);
    activate(this->stream(), f, std::span<const T>(values.span()), values.span());
    for (const T value : values.host()) EXPECT_TRUE(std::isnan(static_cast<float>(value)));
  }
}

TYPED_TEST(ActivationTest, SizesThatDifferAreErrors) {
  using T = TypeParam;
  auto x = this->empty(3), y = this->empty(4);
  EXPECT_THROW(activate(this->stream(), Activation::kRelu, std::span<const T>(x.span()), y.span()),
               Error);
}

TEST(FastMathTest, ExponentialsAreAccurateInTheirRange) {
  for (double x = -87.3; x < 88.3; x += 0.00137) {
    const auto at = static_cast<float>(x);
    const double expected = std::exp(static_cast<double>(at));
    ASSERT_NEAR(fast_exp(at), expected, 2e-7 * expected) << at;
  }
  EXPECT_EQ(fast_exp(0.0f), 1.0f);
  EXPECT_EQ(fast_exp(-88.0f), 0.0f);
  EXPECT_EQ(fast_exp(-HUGE_VALF), 0.0f);
  EXPECT_GT(fast_exp(HUGE_VALF), 2e38f);
  EXPECT_TRUE(std::isnan(fast_exp(std::nanf(""))));
  for (double x = -20.0; x < 20.0; x += 0.00071) {
    const auto at = static_cast<float>(x);
    const double expected = std::tanh(static_cast<double>(at));
    ASSERT_NEAR(fast_tanh(at), expected, 4e-7 * std::fabs(expected)) << at;
  }
}

}  // namespace
}  // namespace bayesum::test
