#include "kernels/random.hpp"

#include <cmath>

#include "kernels/philox.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

constexpr NoiseId kId{.seed = 0x123456789abcdefULL, .step = 7, .draw = 3};

class RandomTest : public KernelTest {
 protected:
  std::vector<double> normals(NoiseId id, std::uint64_t first, std::size_t size) {
    auto out = zeros(size);
    fill_normal(stream(), id, first, out.span());
    return out.host();
  }
  std::vector<double> uniforms(NoiseId id, std::uint64_t first, std::size_t size) {
    auto out = zeros(size);
    fill_uniform(stream(), id, first, out.span());
    return out.host();
  }
};

void expect_philox(PhiloxBlock counter, PhiloxKey key, PhiloxBlock expected) {
  const PhiloxBlock actual = philox4x32(counter, key);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(actual.word[i], expected.word[i]);
}

// Known answers of the authors' library Random123.
TEST_F(RandomTest, PhiloxGivesTheKnownAnswers) {
  expect_philox({{0, 0, 0, 0}}, {{0, 0}}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  constexpr std::uint32_t kOnes = 0xffffffff;
  expect_philox({{kOnes, kOnes, kOnes, kOnes}}, {{kOnes, kOnes}},
                {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  expect_philox({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, {{0xa4093822, 0x299f31d0}},
                {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST_F(RandomTest, UniformsStayInsideTheOpenInterval) {
  EXPECT_GT(UniformNoise::from_bits(0, 0), 0.0);
  EXPECT_LT(UniformNoise::from_bits(0xffffffff, 0xffffffff), 1.0);
  EXPECT_EQ(UniformNoise::from_bits(0, 0), 1.0 - UniformNoise::from_bits(0xffffffff, 0xffffffff));
  EXPECT_NE(UniformNoise::from_bits(1, 0), UniformNoise::from_bits(1, 1U << 12));
}

TEST_F(RandomTest, ElementsAreTheFunctionOfTheirIndex) {
  for (const std::size_t size : kAwkwardSizes) {
    for (const std::uint64_t first : {0ULL, 1ULL, 77ULL, (1ULL << 40) + 1}) {
      const std::vector<double> normal = normals(kId, first, size);
      const std::vector<double> uniform = uniforms(kId, first, size);
      for (std::size_t i = 0; i < size; ++i) {
        const std::uint64_t index = first + i;
        EXPECT_NEAR(normal[i], NormalNoise::pair(kId, index / 2).element[index % 2], 1e-13);
        EXPECT_EQ(uniform[i], UniformNoise::pair(kId, index / 2).element[index % 2]);
      }
    }
  }
}

TEST_F(RandomTest, SlicesAreTheWhole) {
  const std::vector<double> whole = normals(kId, 0, 4097);
  std::size_t first = 0;
  for (const std::size_t size : {1, 2, 31, 256, 255, 1000, 2552}) {
    const std::vector<double> slice = normals(kId, first, size);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(slice[i], whole[first + i]);
    first += size;
  }
  EXPECT_EQ(first, whole.size());
}

TEST_F(RandomTest, EveryPartOfTheNameCounts) {
  const std::vector<double> base = normals(kId, 0, 64);
  const NoiseId others[] = {{kId.seed + 1, kId.step, kId.draw},
                            {kId.seed + (1ULL << 32), kId.step, kId.draw},
                            {kId.seed, kId.step + 1, kId.draw},
                            {kId.seed, kId.step, kId.draw + 1}};
  for (const NoiseId& other : others) {
    const std::vector<double> different = normals(other, 0, 64);
    for (std::size_t i = 0; i < base.size(); ++i) EXPECT_NE(base[i], different[i]);
  }
}

// Sample moments within 5 standard errors of those of N(0, 1), neighbours uncorrelated.
TEST_F(RandomTest, NormalsHaveTheMomentsOfANormal) {
  constexpr std::size_t kSize = 1 << 20;
  const std::vector<double> x = normals(kId, 0, kSize);
  double moment[5] = {}, neighbours = 0.0;
  std::size_t beyond_three = 0;
  for (std::size_t i = 0; i < kSize; ++i) {
    double power = 1.0;
    for (double& sum : moment) {
      sum += power / kSize;
      power *= x[i];
    }
    neighbours += x[i] * x[(i + 1) % kSize] / kSize;
    beyond_three += std::fabs(x[i]) > 3.0 ? 1 : 0;
  }
  const double error = 5.0 / std::sqrt(kSize);
  EXPECT_NEAR(moment[1], 0.0, error);
  EXPECT_NEAR(moment[2], 1.0, error * std::sqrt(2.0));
  EXPECT_NEAR(moment[3], 0.0, error * std::sqrt(15.0));
  EXPECT_NEAR(moment[4], 3.0, error * std::sqrt(96.0));
  EXPECT_NEAR(neighbours, 0.0, error);
  const double tail = std::erfc(3.0 / std::sqrt(2.0));
  EXPECT_NEAR(static_cast<double>(beyond_three) / kSize, tail, error * std::sqrt(tail));
}

TEST_F(RandomTest, UniformsFillTheirCellsEvenly) {
  constexpr std::size_t kSize = 1 << 20, kCells = 64;
  std::vector<double> count(kCells);
  for (const double u : uniforms(kId, 0, kSize)) {
    ASSERT_GT(u, 0.0);
    ASSERT_LT(u, 1.0);
    count[static_cast<std::size_t>(u * kCells)] += 1.0;
  }
  constexpr double kExpected = static_cast<double>(kSize) / kCells;
  double chi_squared = 0.0;
  for (const double n : count) chi_squared += (n - kExpected) * (n - kExpected) / kExpected;
  EXPECT_NEAR(chi_squared, kCells - 1.0, 5.0 * std::sqrt(2.0 * (kCells - 1.0)));
}

}  // namespace
}  // namespace bayesum::test
