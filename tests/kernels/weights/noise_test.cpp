#include "kernels/weights/noise.hpp"

#include <array>

#include "kernels/weights/draws.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

constexpr NoiseId kId{.seed = 0x123456789abcdefULL, .step = 7, .draw = 3};
constexpr double kTwoPi = 6.283185307179586476925286766559;

class WeightNoiseTest : public KernelTest {
 protected:
  std::vector<float> normals(NoiseId id, std::uint64_t first, std::size_t size) {
    Guarded<float> out(stream(), std::vector<float>(size));
    fill_normal(stream(), id, first, out.span());
    return out.host();
  }
};

double uniform(std::uint32_t bits) { return (static_cast<double>(bits) + 0.5) / 4294967296.0; }

// Words as they come, and those where logarithms and angles are at their ends.
std::vector<std::uint32_t> awkward_words() {
  std::vector<std::uint32_t> words{0, 1, 2, 3, 0xffffffff, 0xfffffffe, 0xffffff7f, 0xffffff80};
  for (std::uint32_t bit = 0; bit < 32; ++bit) {
    for (const std::uint32_t word : {1U << bit, (1U << bit) - 1U, (1U << bit) + 1U}) {
      words.push_back(word);
      words.push_back(~word);
      words.push_back(word * 3U);
    }
  }
  std::mt19937 generator(1);
  for (int i = 0; i < 2000; ++i) words.push_back(static_cast<std::uint32_t>(generator()));
  return words;
}

// Within the rounding of a float of 32 bits: u near 1 is known to 2^-25 of it, and so is -log u.
TEST_F(WeightNoiseTest, LogarithmIsThatOfTheUniform) {
  for (const std::uint32_t word : awkward_words()) {
    const double exact = -std::log(uniform(word));
    ASSERT_NEAR(minus_log_uniform(word), exact, 4e-7 * exact + 3.1e-8) << std::hex << word;
    ASSERT_GE(minus_log_uniform(word), 0.0f);
  }
}

// Box and Muller's transform in double precision; the quadrant and the angle within it as stated.
TEST_F(WeightNoiseTest, PairsAreBoxMullers) {
  const std::vector<std::uint32_t> words = awkward_words();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint32_t radius_bits = words[words.size() - 1 - i], angle_bits = words[i];
    const double radius = std::sqrt(-2 * std::log(uniform(radius_bits)));
    const double part = (static_cast<double>(angle_bits % (1U << 30)) + 0.5) / (1U << 30);
    const double angle = kTwoPi / 4 * (part < 0.5 ? part : part - 1);
    const double large = (angle_bits >> 31 ? -1 : 1) * radius * std::cos(angle);
    const double small = radius * std::sin(angle);
    const bool swap = angle_bits >> 30 & 1U;
    const double of_radius = std::min(std::sqrt(6.2e-8), 6.2e-8 / radius);
    float pair[2];
    NormalBlock::pair(radius_bits, angle_bits, pair);
    ASSERT_NEAR(pair[0], swap ? small : large, 5e-7 * radius + of_radius);
    ASSERT_NEAR(pair[1], swap ? large : small, 5e-7 * radius + of_radius);
  }
}

TEST_F(WeightNoiseTest, ElementsAreTheFunctionOfTheirIndexToTheBit) {
  for (const std::size_t size : kAwkwardSizes) {
    for (const std::uint64_t first :
         {0ULL, 1ULL, 2ULL, 3ULL, 77ULL, (1ULL << 34) - 130, (1ULL << 40) + 1}) {
      const std::vector<float> normal = normals(kId, first, size);
      for (std::size_t i = 0; i < size; ++i) {
        const std::uint64_t index = first + i;
        ASSERT_EQ(normal[i], NormalBlock::block(kId, index / 4).element[index % 4]);
      }
    }
  }
}

TEST_F(WeightNoiseTest, EveryPartOfTheNameCounts) {
  const std::vector<float> base = normals(kId, 0, 64);
  const NoiseId others[] = {{kId.seed + 1, kId.step, kId.draw},
                            {kId.seed + (1ULL << 32), kId.step, kId.draw},
                            {kId.seed, kId.step + 1, kId.draw},
                            {kId.seed, kId.step, kId.draw + 1}};
  for (const NoiseId& other : others) {
    const std::vector<float> different = normals(other, 0, 64);
    for (std::size_t i = 0; i < base.size(); ++i) EXPECT_NE(base[i], different[i]);
  }
}

// E x^k of a standard normal, k even: 1 * 3 * ... * (k - 1).
double even_moment(int k) { return k == 0 ? 1 : (k - 1) * even_moment(k - 2); }

constexpr std::size_t kDraws = 10'000'000;

// Sample moments up to the eighth within 5 standard errors, and the tails up to 5 deviations within
// 5 of a Poisson count.
TEST_F(WeightNoiseTest, MomentsAndTailsAreThoseOfANormal) {
  const std::vector<float> x = normals(kId, 0, kDraws);
  std::array<double, 9> moment{};
  std::array<double, 6> beyond{}, below{};
  for (const float value : x) {
    double power = 1;
    for (double& sum : moment) {
      sum += power;
      power *= value;
    }
    for (std::size_t s = 0; s < beyond.size(); ++s) {
      beyond[s] += value > static_cast<double>(s);
      below[s] += value < -static_cast<double>(s);
    }
  }
  const auto n = static_cast<double>(kDraws);
  for (int k = 1; k <= 8; ++k) {
    const double expected = k % 2 == 0 ? even_moment(k) : 0;
    const double variance = even_moment(2 * k) - expected * expected;
    EXPECT_NEAR(moment[static_cast<std::size_t>(k)] / n, expected, 5 * std::sqrt(variance / n))
        << "moment " << k;
  }
  for (std::size_t s = 0; s < beyond.size(); ++s) {
    const double expected = n * 0.5 * std::erfc(static_cast<double>(s) / std::sqrt(2.0));
    EXPECT_NEAR(beyond[s], expected, 5 * std::sqrt(expected)) << s << " deviations";
    EXPECT_NEAR(below[s], expected, 5 * std::sqrt(expected)) << s << " deviations";
  }
}

// Kolmogorov and Smirnov's distance of 1e7 draws; sqrt(n) D > 2.3 has probability 5e-5.
TEST_F(WeightNoiseTest, DistributionIsNormal) {
  std::vector<float> x = normals({.seed = 11, .step = 1, .draw = 2}, 5, kDraws);
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(kDraws);
  double distance = 0;
  for (std::size_t i = 0; i < kDraws; ++i) {
    const double cdf = 0.5 * std::erfc(-static_cast<double>(x[i]) / std::sqrt(2.0));
    distance = std::max({distance, std::fabs(cdf - static_cast<double>(i) / n),
                         std::fabs(cdf - static_cast<double>(i + 1) / n)});
  }
  EXPECT_LT(distance * std::sqrt(n), 2.3);
  EXPECT_GT(distance * std::sqrt(n), 0.2);
}

// Correlations, of values and of squares, with each of the next elements and with the same elements
// of the next step, draw and seed: within 5 standard errors of zero.
TEST_F(WeightNoiseTest, NeighboursStepsAndDrawsAreIndependent) {
  constexpr std::size_t kSize = 1 << 20;
  const std::vector<float> x = normals(kId, 0, kSize + 64);
  const auto expect_independent = [&](std::span<const float> y, const std::string& what) {
    double values = 0, squares = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      const double a = x[i], b = y[i];
      values += a * b;
      squares += (a * a - 1) * (b * b - 1);
    }
    EXPECT_NEAR(values / kSize, 0, 5 / std::sqrt(kSize)) << what;
    EXPECT_NEAR(squares / kSize, 0, 5 * 2 / std::sqrt(kSize)) << what;
  };
  for (const std::size_t lag : {1, 2, 3, 4, 5, 8, 16, 64}) {
    expect_independent(std::span(x).subspan(lag), "lag " + std::to_string(lag));
  }
  expect_independent(normals({kId.seed, kId.step + 1, kId.draw}, 0, kSize), "next step");
  expect_independent(normals({kId.seed, kId.step, kId.draw + 1}, 0, kSize), "next draw");
  expect_independent(normals({kId.seed + 1, kId.step, kId.draw}, 0, kSize), "next seed");
  expect_independent(normals(separate(kId), 0, kSize), "separate");
}

// Half a logit has mean 0 and variance pi^2 / 12, and its sign is fair.
TEST_F(WeightNoiseTest, LogisticNoiseHasItsMoments) {
  constexpr std::size_t kSize = 1 << 20;
  double sum = 0, squares = 0, positive = 0;
  for (std::size_t b = 0; b < kSize / 4; ++b) {
    for (const float value : LogisticBlock::block(kId, b).element) {
      ASSERT_TRUE(std::isfinite(value));
      sum += value;
      squares += static_cast<double>(value) * value;
      positive += value > 0;
    }
  }
  const double variance = kTwoPi * kTwoPi / 48;
  EXPECT_NEAR(sum / kSize, 0, 5 * std::sqrt(variance / kSize));
  EXPECT_NEAR(squares / kSize, variance, 5 * variance * std::sqrt(3.2 / kSize));  // kurtosis 4.2
  EXPECT_NEAR(positive / kSize, 0.5, 5 * 0.5 / std::sqrt(kSize));
}

}  // namespace
}  // namespace bayesum::test
