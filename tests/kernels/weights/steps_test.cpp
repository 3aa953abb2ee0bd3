#include "kernels/weights/steps.hpp"

#include <limits>

#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

constexpr NoiseId kId{.seed = 9, .step = 4, .draw = 1};
constexpr float kNoRadius = std::numeric_limits<float>::infinity();

std::vector<float> floats(std::size_t size, std::uint32_t seed, double low = -1, double high = 1) {
  const std::vector<double> values = random_vector(size, seed, low, high);
  return {values.begin(), values.end()};
}

// The vectors of a step between guards.
struct Vectors {
  Guarded<float> mean, curvature, momentum, gradient, second, theta;

  Vectors(const Stream& stream, std::size_t size)
      : mean(stream, floats(size, 1)),
        curvature(stream, floats(size, 2, 0.1, 1)),
        momentum(stream, floats(size, 3)),
        gradient(stream, floats(size, 4)),
        second(stream, floats(size, 5)),
        theta(stream, floats(size, 6)) {}

  IvonStep ivon(IvonCurvature form) {
    return {.form = form,
            .momentum = {0.75F, 0.25F, 0.5F, 1.25F, momentum.data()},
            .step = {0.125F, 0.25F, kNoRadius, mean.data()},
            .rate = 0.1F,
            .scale = 3.0F,
            .floor = -0.25F,
            .gradient = gradient.data(),
            .second = second.data(),
            .theta = theta.data(),
            .curvature = curvature.data()};
  }
  std::vector<std::vector<float>> host() const {
    return {mean.host(), curvature.host(), momentum.host(), theta.host()};
  }
};

using WeightStepsTest = KernelTest;

TEST_F(WeightStepsTest, FusedIsUpdateThenDrawToTheBit) {
  using enum IvonCurvature;
  for (const IvonCurvature form : {kPrice, kPriceHere, kSquares, kSquaresHere}) {
    for (const std::size_t size : kAwkwardSizes) {
      for (const std::uint64_t first : {0ULL, 3ULL, 1040ULL}) {
        Vectors apart(stream(), size), fused(stream(), size);
        apply(stream(), apart.ivon(form), size);
        apply(stream(),
              DrawGaussian{0.5F, 0.25F, apart.mean.data(), apart.curvature.data(),
                           apart.theta.data()},
              {kId, first}, size);
        apply(stream(), fused.ivon(form), {{kId, first}, 0.5F, fused.theta.data()}, size);
        ASSERT_EQ(apart.host(), fused.host()) << size << " from " << first;
      }
    }
  }
}

// One element at a time, by the functor and by the formula in double precision.
TEST_F(WeightStepsTest, IvonIsItsFormula) {
  for (const std::size_t size : kAwkwardSizes) {
    Vectors v(stream(), size);
    const auto m = v.mean.host(), h = v.curvature.host(), before = v.momentum.host();
    apply(stream(), v.ivon(IvonCurvature::kPrice), size);
    const auto m_after = v.mean.host(), h_after = v.curvature.host();
    const auto g = v.gradient.host(), second = v.second.host();
    for (std::size_t i = 0; i < size; ++i) {
      const double a = h[i] + 0.25, f = a * 3.0 * second[i], r = 1 - 0.1 * (h[i] - f) / a;
      const double next = a * (1 + r * r) / 2 - 0.25;
      const double momentum = 0.75 * before[i] + 0.25 * 0.5 * g[i];
      ASSERT_NEAR(h_after[i], next, 1e-6);
      ASSERT_NEAR(m_after[i], m[i] - 0.125 * (1.25 * momentum + 0.25 * m[i]) / (next + 0.25), 1e-6);
    }
  }
}

TEST_F(WeightStepsTest, AdamIsItsFormula) {
  for (const std::size_t size : kAwkwardSizes) {
    Vectors v(stream(), size);
    const auto m = v.mean.host(), s = v.curvature.host(), before = v.momentum.host();
    apply(stream(),
          AdamStep{.momentum = {0.75F, 0.25F, 0.5F, 1.25F, v.momentum.data()},
                   .rate = 0.125F,
                   .decay = 0.25F,
                   .epsilon = 0.01F,
                   .beta2 = 0.875F,
                   .rest2 = 0.125F,
                   .inverse_root2 = 1.5F,
                   .gradient = v.gradient.data(),
                   .mean = v.mean.data(),
                   .curvature = v.curvature.data()},
          size);
    const auto m_after = v.mean.host(), s_after = v.curvature.host();
    const auto gradient = v.gradient.host();
    for (std::size_t i = 0; i < size; ++i) {
      const double g = 0.5 * gradient[i], square = 0.875 * s[i] + 0.125 * g * g;
      const double momentum = 1.25 * (0.75 * before[i] + 0.25 * g);
      ASSERT_NEAR(s_after[i], square, 1e-6);
      ASSERT_NEAR(m_after[i],
                  m[i] - 0.125 * (momentum / (1.5 * std::sqrt(square) + 0.01) + 0.25 * m[i]), 1e-6);
    }
  }
}

TEST_F(WeightStepsTest, TeachingIsAddition) {
  for (const std::size_t size : kAwkwardSizes) {
    Vectors v(stream(), size);
    const auto before = v.second.host(), m = v.mean.host(), theta = v.theta.host();
    apply(stream(),
          AddDeviationGradient{v.theta.data(), v.mean.data(), v.gradient.data(), v.second.data()},
          size);
    apply(stream(), AddScaledSquare{0.5F, v.gradient.data(), v.second.data()}, size);
    const auto after = v.second.host(), g = v.gradient.host();
    for (std::size_t i = 0; i < size; ++i) {
      const double square = static_cast<double>(g[i]) * g[i];
      ASSERT_NEAR(after[i], before[i] + (theta[i] - m[i]) * g[i] + 0.5 * square, 1e-6);
    }
  }
}

}  // namespace
}  // namespace bayesum::test
