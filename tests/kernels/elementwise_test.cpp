#include "kernels/elementwise.hpp"

#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

using ElementwiseTest = KernelTest;

TEST_F(ElementwiseTest, BlendIsTheLearningRule) {
  constexpr double kRho = 0.3;
  for (const std::size_t size : kAwkwardSizes) {
    const auto current = random_vector(size, 1), prior = random_vector(size, 2),
               message = random_vector(size, 3);
    auto in = on_device(current), p = on_device(prior), m = on_device(message), out = zeros(size);
    apply(stream(), Blend{kRho, in.data(), p.data(), m.data(), out.data()}, size);
    apply(stream(), Blend{kRho, in.data(), p.data(), m.data(), in.data()}, size);
    std::vector<double> expected(size);
    for (std::size_t i = 0; i < size; ++i) {
      expected[i] = (1.0 - kRho) * current[i] + kRho * (prior[i] + message[i]);
    }
    expect_near(out.host(), expected, 1e-15);
    EXPECT_EQ(in.host(), out.host()) << "in place";
  }
}

TEST_F(ElementwiseTest, AddScaledAndScale) {
  for (const std::size_t size : kAwkwardSizes) {
    const auto x = random_vector(size, 4), y = random_vector(size, 5);
    auto in = on_device(x), out = on_device(y);
    apply(stream(), AddScaled{-2.5, in.data(), out.data()}, size);
    apply(stream(), Scale{0.5, out.data()}, size);
    std::vector<double> expected(size);
    for (std::size_t i = 0; i < size; ++i) expected[i] = 0.5 * (y[i] - 2.5 * x[i]);
    expect_near(out.host(), expected, 1e-15);
  }
}

}  // namespace
}  // namespace bayesum::test
