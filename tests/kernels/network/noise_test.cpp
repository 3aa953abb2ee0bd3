#include "kernels/error.hpp"
#include "kernels/network/dropout.hpp"
#include "kernels/network/floats.hpp"
#include "kernels/philox.hpp"
#include "tests/kernels/network/network_test.hpp"

namespace bayesum::test {
namespace {

constexpr NoiseId kId{77, 3, 5};

// 16 bits of element i of a vector of noise, as the headers say.
std::uint32_t bits_of(std::uint64_t i) {
  const std::uint64_t block = i / 8, half = i % 8;
  const PhiloxBlock random = philox4x32(
      {{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), kId.step,
        kId.draw}},
      {{static_cast<std::uint32_t>(kId.seed), static_cast<std::uint32_t>(kId.seed >> 32)}});
  const std::uint32_t word = random.word[half / 2];
  return half % 2 == 0 ? word % 65536 : word / 65536;
}

template <class T>
class DropoutTest : public NetworkTest<T> {};
TYPED_TEST_SUITE(DropoutTest, StorageTypes);

TYPED_TEST(DropoutTest, KeepsWhatTheNoiseKeeps) {
  using T = TypeParam;
  for (const std::size_t size : kAwkwardSizes) {
    for (const std::uint64_t first :
         {std::uint64_t{0}, std::uint64_t{13}, std::uint64_t{1} << 36}) {
      const auto x = random_values<T>(size, 1);
      auto in = this->store(x), out = this->empty(size);
      dropout(
          this->stream(),
          Dropout<T>{
              .id = kId, .first_index = first, .rate = 0.25f, .x = in.span(), .out = out.span()});
      std::vector<double> expected;
      for (std::size_t i = 0; i < size; ++i) {
        const bool kept = bits_of(first + i) < 49152;
        expected.push_back(kept ? wide(static_cast<float>(x[i])) / 0.75 : 0.0);
      }
      expect_close(out.host(), expected, this->kTolerance, 1e-6);
    }
  }
}

TYPED_TEST(DropoutTest, KeepsTheMeanAndTheShare) {
  using T = TypeParam;
  constexpr std::size_t kSize = 1 << 18;
  for (const float rate : {0.0f, 0.1f, 0.5f}) {
    auto x = this->store(std::vector<T>(kSize, static_cast<T>(1.0f)));
    dropout(this->stream(), Dropout<T>{.id = kId, .rate = rate, .x = x.span(), .out = x.span()});
    double kept = 0.0;
    for (const T value : x.host()) kept += static_cast<float>(value) == 0.0f ? 0.0 : 1.0;
    const double deviation = std::sqrt(rate * (1.0 - rate) / kSize);
    EXPECT_NEAR(kept / kSize, 1.0 - rate, 5.0 * deviation + 0x1p-16);
  }
}

TYPED_TEST(DropoutTest, RatesOutsideTheirRangeAreErrors) {
  using T = TypeParam;
  auto x = this->store(std::vector<T>(4));
  for (const float rate : {-0.1f, 1.0f, 0.9999999f, std::nanf("")}) {
    const Dropout<T> op{.id = kId, .rate = rate, .x = x.span(), .out = x.span()};
    EXPECT_THROW(dropout(this->stream(), op), Error) << rate;
  }
}

using FloatsTest = NetworkTest<float>;

TEST_F(FloatsTest, ConversionsRoundAndReturn) {
  for (const std::size_t size : kAwkwardSizes) {
    const auto x = random_values<float>(size, 1, -1e3, 1e3);
    auto in = floats(x), back = floats(std::vector<float>(size));
    Guarded<BFloat16> narrow(stream(), std::vector<BFloat16>(size));
    convert(stream(), std::span<const float>(in.span()), narrow.span());
    convert(stream(), std::span<const BFloat16>(narrow.span()), back.span());
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(narrow.host()[i].bits(), BFloat16(x[i]).bits());
      ASSERT_EQ(back.host()[i], static_cast<float>(BFloat16(x[i])));
    }
    if (size > 300) break;
  }
}

TEST_F(FloatsTest, StochasticConversionTakesItsOwnBits) {
  constexpr std::uint64_t kFirst = 5;
  const auto x = random_values<float>(4097, 1);
  auto in = floats(x);
  Guarded<BFloat16> out(stream(), std::vector<BFloat16>(x.size()));
  convert_stochastically(stream(), kId, kFirst, in.span(), out.span());
  const std::vector<BFloat16> result = out.host();
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(result[i].bits(), round_stochastically(x[i], bits_of(kFirst + i)).bits()) << i;
  }
}

TEST_F(FloatsTest, UnequalSizesAreErrors) {
  Guarded<BFloat16> narrow(stream(), std::vector<BFloat16>(2));
  auto three = floats(std::vector<float>(3));
  EXPECT_THROW(convert(stream(), std::span<const float>(three.span()), narrow.span()), Error);
}

}  // namespace
}  // namespace bayesum::test
