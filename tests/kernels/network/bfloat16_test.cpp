#include "kernels/bfloat16.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace bayesum::test {
namespace {

static_assert(sizeof(BFloat16) == 2);

float from_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }

TEST(BFloat16Test, RoundsToTheNearerNeighbourAndTiesToEven) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    std::uint32_t bits = random();
    if (i % 3 == 0) bits = (bits & 0xffff0000u) | 0x8000u;  // halfway
    const float value = from_bits(bits);
    if (!std::isfinite(value) || std::fabs(value) > 3e38f) continue;
    const std::uint32_t below = bits & 0xffff0000u, above = below + 0x10000u;  // in magnitude
    const double to_below = std::fabs(static_cast<double>(value) - from_bits(below));
    const double to_above = std::fabs(static_cast<double>(from_bits(above)) - value);
    const bool down = to_below < to_above || (to_below == to_above && (below & 0x10000u) == 0);
    ASSERT_EQ(static_cast<float>(BFloat16(value)), from_bits(down ? below : above)) << value;
  }
}

TEST(BFloat16Test, KeepsWhatItCanHold) {
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const BFloat16 value = BFloat16::from_bits(static_cast<std::uint16_t>(bits));
    if (std::isnan(static_cast<float>(value))) {
      EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(static_cast<float>(value)))));
    } else {
      ASSERT_EQ(BFloat16(static_cast<float>(value)).bits(), bits);
    }
  }
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(from_bits(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(from_bits(0xffffffffu)))));
  EXPECT_EQ(static_cast<float>(BFloat16(std::numeric_limits<float>::max())), HUGE_VALF);
}

TEST(BFloat16Test, StochasticRoundingHasTheMeanOfTheValue) {
  for (const float value : {1.00123f, -0.3333333f, 3.0f, 1e-30f, -7.1e20f, 0.0f}) {
    double sum = 0.0;
    for (std::uint32_t random = 0; random < 65536; ++random) {
      const auto rounded =
          static_cast<double>(static_cast<float>(round_stochastically(value, random)));
      ASSERT_LE(std::fabs(rounded - static_cast<double>(value)), std::fabs(value) * 0x1p-7);
      sum += rounded;
    }
    EXPECT_NEAR(sum / 65536.0, value, 1e-12 * std::fabs(value)) << value;
  }
  EXPECT_EQ(static_cast<float>(round_stochastically(HUGE_VALF, 65535)), HUGE_VALF);
  EXPECT_TRUE(std::isnan(static_cast<float>(round_stochastically(std::nanf(""), 65535))));
}

}  // namespace
}  // namespace bayesum::test
