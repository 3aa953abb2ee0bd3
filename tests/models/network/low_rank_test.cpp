#include "models/network/low_rank.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "models/network/gpt2.hpp"
#include "models/network/mlp.hpp"
#include "tests/core/files.hpp"
#include "tests/models/network/gpt2_oracle.hpp"

// Adapters against W + s A B, multiplied out in float64, and against the network that they adapt.
namespace bayesum::test {
namespace {

using testing::error_of;

constexpr Gpt2Shape kShape{.vocabulary = 11, .context = 6, .layers = 2, .heads = 2, .channels = 8};
constexpr std::size_t kRank = 3;
constexpr double kAlpha = 4;

std::vector<std::string> all_matrices(const Gpt2Shape& shape) {
  std::vector<std::string> matrices;
  for (std::size_t l = 0; l < shape.layers; ++l) {
    for (const char* part : {".attn.c_attn", ".attn.c_proj", ".mlp.c_fc", ".mlp.c_proj"}) {
      matrices.push_back("h." + std::to_string(l) + part);
    }
  }
  return matrices;
}

// A GPT-2 with adapters, and the weights that they adapt.
struct Adapted {
  explicit Adapted(const Gpt2Config& config,
                   const std::vector<std::string>& matrices = all_matrices(kShape))
      : network(std::make_unique<Gpt2>(config), matrices, kRank, kAlpha),
        base(random_theta(network.network().parameters(), 0.3, 5)),
        theta(random_theta(network.parameters(), 0.3)) {
    network.set_base(Stream(), base);
  }

  LowRank network;
  std::vector<float> base, theta;
};

// W + s A B, the long way round.
std::vector<double> multiplied_out(const Adapted& adapted, std::span<const double> theta) {
  const ParameterSpace& weights = adapted.network.network().parameters();
  const ParameterSpace& space = adapted.network.parameters();
  std::vector<double> all(adapted.base.begin(), adapted.base.end());
  for (const ParameterTensor& tensor : weights.tensors()) {
    const std::string name = tensor.name.substr(0, tensor.name.rfind('.'));
    if (!tensor.name.ends_with(".weight") || !space.has(name + ".lora_A")) continue;
    const std::size_t a = space.tensor(name + ".lora_A").first;
    const std::size_t b = space.tensor(name + ".lora_B").first;
    const std::size_t out = tensor.shape[1];
    for (std::size_t i = 0; i < tensor.shape[0]; ++i) {
      for (std::size_t j = 0; j < out; ++j) {
        for (std::size_t k = 0; k < kRank; ++k) {
          all[tensor.first + i * out + j] +=
              kAlpha / kRank * theta[a + i * kRank + k] * theta[b + k * out + j];
        }
      }
    }
  }
  return all;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

void expect_exact(const Adapted& adapted, const Taught& taught, const Gpt2Oracle& oracle,
                  const Text& text) {
  std::vector<double> exact(adapted.theta.begin(), adapted.theta.end());
  const auto loss = [&] { return oracle.loss(multiplied_out(adapted, exact), text); };
  EXPECT_NEAR(taught.loss(), loss(), 1e-4);
  expect_slope(adapted.network.parameters(), taught.gradient, exact, loss, 1e-5, 1e-3);
}

TEST(LowRank, TheGradientIsTheSlopeOfTheLoss) {
  const Text text(2, 5, kShape.vocabulary);
  Gpt2Shape shape = kShape;
  Adapted all({.shape = shape});
  expect_exact(all, teach(all.network, all.theta, text.batch()), {.shape = shape}, text);
  shape.biases = false;
  shape.vocabulary_multiple = 8;
  Adapted some({.shape = shape}, {"h.1.mlp.c_proj", "h.0.attn.c_attn"});
  EXPECT_EQ(some.network.parameters().tensors().front().name, "h.0.attn.c_attn.lora_A");
  expect_exact(some, teach(some.network, some.theta, text.batch()), {.shape = shape}, text);
}

TEST(LowRank, StartsAtTheNetworkThatItAdapts) {
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16}) {
    const Gpt2Config config{.shape = kShape, .precision = precision};
    Adapted adapted(config);
    Gpt2 plain(config);
    const Text text(3, 6, kShape.vocabulary);
    std::vector<float> start(adapted.network.parameters().size());
    initialise(Stream(), adapted.network.parameters(), 3, start);
    EXPECT_GT(std::ranges::count_if(start, [](float x) { return x != 0; }), 100);
    EXPECT_TRUE(predict(adapted.network, start, text.batch()) ==
                predict(plain, adapted.base, text.batch()));
    EXPECT_EQ(teach(adapted.network, start, text.batch()).counts,
              teach(plain, adapted.base, text.batch()).counts);
    EXPECT_FALSE(predict(adapted.network, adapted.theta, text.batch()) ==
                 predict(plain, adapted.base, text.batch()));
  }
}

TEST(LowRank, PassesLeaveTheWeightsAsTheyWere) {
  Adapted adapted({.shape = kShape, .dropout = 0.2});
  adapted.base[adapted.network.network().parameters().tensor("h.0.mlp.c_fc.weight").first] = -0.0f;
  adapted.network.set_base(Stream(), adapted.base);
  const Text text(3, 6, kShape.vocabulary);
  const Taught first = teach(adapted.network, adapted.theta, text.batch(), {.seed = 4});
  for (std::uint32_t seed = 2; seed < 6; ++seed) {
    const auto other = random_theta(adapted.network.parameters(), 1.0, seed);
    teach(adapted.network, other, text.batch(), {.seed = seed});
    predict(adapted.network, other, text.batch());
  }
  const Taught again = teach(adapted.network, adapted.theta, text.batch(), {.seed = 4});
  EXPECT_EQ(first.counts, again.counts);
  EXPECT_TRUE(first.gradient == again.gradient);
  EXPECT_TRUE(same_bits(adapted.network.base(Stream()), adapted.base));
}

TEST(LowRank, AdaptedWeightsSayTheSame) {
  Adapted adapted({.shape = kShape});
  Gpt2 plain({.shape = kShape});
  const Text text(3, 6, kShape.vocabulary);
  const auto weights = adapted.network.adapted(Stream(), adapted.theta);
  const std::vector<double> exact =
      multiplied_out(adapted, std::vector<double>(adapted.theta.begin(), adapted.theta.end()));
  for (std::size_t i = 0; i < exact.size(); ++i) ASSERT_NEAR(weights[i], exact[i], 1e-6);
  const std::vector<float> kept(weights.begin(), weights.end());
  EXPECT_TRUE(predict(plain, kept, text.batch()) ==
              predict(adapted.network, adapted.theta, text.batch()));
}

TEST(LowRank, TheGradientIsAddedAndFinalFromTheEnd) {
  for (const auto& matrices : {all_matrices(kShape), std::vector<std::string>{"h.1.attn.c_attn"}}) {
    Adapted adapted({.shape = kShape}, matrices);
    const Text text(3, 6, kShape.vocabulary);
    const Taught once = teach(adapted.network, adapted.theta, text.batch());
    Taught twice = once;
    std::vector<float> seen(once.gradient.size(), -1.0f);
    std::size_t last = seen.size(), calls = 0;
    const GradientSink sink{
        .gradient = twice.gradient, .squares = {}, .final_from = [&](std::size_t first) {
          ASSERT_LT(first, last);
          for (std::size_t i = first; i < last; ++i) seen[i] = twice.gradient[i];
          last = first;
          ++calls;
        }};
    adapted.network.accumulate(Stream(), adapted.theta, text.batch(), {}, sink, twice.counts);
    EXPECT_EQ(last, 0u);
    EXPECT_EQ(calls, matrices.size());
    EXPECT_TRUE(seen == twice.gradient);
    for (std::size_t i = 0; i < once.gradient.size(); ++i) {
      ASSERT_NEAR(twice.gradient[i], 2 * once.gradient[i], 1e-4);
    }
  }
}

// Of many draws of A and B; an sd estimated from n of them is off by a share of about 1 / sqrt(2
// n), more with the heavier tails of products.
TEST(LowRank, TheSdIsThatOfDraws) {
  constexpr std::size_t kDraws = 20000;
  LowRank network(std::make_unique<Mlp>(MlpConfig{.features = 3, .classes = 4, .hidden = {}}),
                  {"layers.0"}, 2, kAlpha);
  const std::size_t size = network.network().parameters().size();
  network.set_base(Stream(), std::vector<float>(size, 0.5f));
  const std::vector<float> mean = random_theta(network.parameters(), 1.0);
  std::vector<float> sd = random_theta(network.parameters(), 0.5, 2);
  for (float& x : sd) x = std::abs(x);
  std::vector<double> sum(size), squares(size);
  std::mt19937 generator(8);
  std::normal_distribution<float> normal;
  std::vector<float> theta(mean.size());
  for (std::size_t s = 0; s < kDraws; ++s) {
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] = mean[i] + sd[i] * normal(generator);
    const auto weights = network.adapted(Stream(), theta);
    for (std::size_t i = 0; i < size; ++i) {
      sum[i] += weights[i];
      squares[i] += double{weights[i]} * weights[i];
    }
  }
  const std::vector<float> expected = network.adapted_sd(mean, sd);
  const ParameterTensor& weight = network.network().parameters().tensor("layers.0.weight");
  for (std::size_t i = 0; i < size; ++i) {
    const double average = sum[i] / kDraws;
    const double found = std::sqrt(std::max(squares[i] / kDraws - average * average, 0.0));
    EXPECT_NEAR(found, expected[i], 0.04 * expected[i] + 1e-9) << i;
    EXPECT_EQ(expected[i] > 0, i >= weight.first && i < weight.range().last) << i;
  }
}

TEST(LowRank, RefusesWhatItCannotDo) {
  const auto made = [](const std::vector<std::string>& matrices, std::size_t rank) {
    return error_of(ExitCode::kUsage, [&] {
      LowRank(std::make_unique<Gpt2>(Gpt2Config{.shape = kShape}), matrices, rank, 1.0);
    });
  };
  EXPECT_EQ(made({"h.0.mlp.c_fc"}, 9),
            "lora.rank = 9 is no rank that h.0.mlp.c_fc.weight, 8 x 32, can have: 1 to 8");
  EXPECT_EQ(made({"h.0.mlp.c_fc"}, 8), "no error");
  EXPECT_EQ(made({"h.0.ln_1"}, 1), "h.0.ln_1.weight is no matrix that could be adapted");
  EXPECT_EQ(made({"h.2.mlp.c_fc"}, 1), "there are 0 of the 1 matrices that adapters were to be on");

  LowRank network(std::make_unique<Gpt2>(Gpt2Config{.shape = kShape}), {"h.0.mlp.c_fc"}, 2, 1.0);
  const std::vector<float> theta(network.parameters().size());
  const Text text(1, 2, kShape.vocabulary);
  const auto refusal = [&](bool squares = false) {
    return error_of(ExitCode::kUsage, [&] { teach(network, theta, text.batch(), {}, squares); });
  };
  EXPECT_EQ(refusal(), "adapters were used before the weights that they adapt came");
  EXPECT_NE(error_of(ExitCode::kUsage, [&] { network.set_base(Stream(), theta); }).find("belong"),
            std::string::npos);
  network.set_base(Stream(), std::vector<float>(network.network().parameters().size()));
  EXPECT_EQ(refusal(), "no error");
  EXPECT_NE(refusal(true).find("VOGN"), std::string::npos);
}

}  // namespace
}  // namespace bayesum::test
