#include "models/network/text_generator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/error.hpp"
#include "models/network/gpt2.hpp"
#include "tests/core/files.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

constexpr std::size_t kVocabulary = 20, kContext = 24;
constexpr std::uint64_t kSeed = 3;

const Gpt2Config kConfig{
    .shape = {
        .vocabulary = kVocabulary, .context = kContext, .layers = 1, .heads = 2, .channels = 16}};

// What the network says behind the last of these tokens, in float64, averaged over draws.
std::vector<double> average_behind(Network& network, const WeightDraws& draws,
                                   const std::vector<std::int32_t>& tokens) {
  std::vector<double> average(kVocabulary);
  std::vector<float> theta(draws.mean().size());
  for (std::size_t s = 0; s < draws.size(); ++s) {
    draws.make(Stream(), s, theta);
    const auto out = predict(network, theta,
                             {.rows = 1,
                              .length = tokens.size(),
                              .tokens = tokens,
                              .features = {},
                              .targets = {},
                              .response = {}});
    for (std::size_t c = 0; c < kVocabulary; ++c) {
      average[c] +=
          std::exp(double{out[out.size() - kVocabulary + c]}) / static_cast<double>(draws.size());
    }
  }
  return average;
}

void expect_the_most_probable(Network& network, LowRank* adapters) {
  const std::vector<float> mean = random_theta(network.parameters(), 0.3);
  const std::vector<float> sd(mean.size(), 0.2f);
  const auto rule = make_kept_rule("ivon");
  const WeightDraws draws(*rule, mean, sd, 3, kSeed);
  std::vector<std::int32_t> tokens{4, 7, 1};
  TextGenerator generator(Stream(), kConfig, draws, {.temperature = 0}, tokens, adapters);
  for (std::size_t i = 3; i < 2 * kContext; ++i) {
    const GeneratedToken next = generator.next();
    // From the last half of the context on, whenever it is full.
    std::size_t read = tokens.size();
    while (read > kContext) read -= kContext + 1 - kContext / 2;
    const auto average = average_behind(
        network, draws, {tokens.end() - static_cast<std::ptrdiff_t>(read), tokens.end()});
    double entropy = 0;
    for (const double p : average) entropy -= p * std::log(p);
    ASSERT_NEAR(next.probability, *std::ranges::max_element(average), 1e-5) << "token " << i;
    ASSERT_NEAR(next.probability, average[static_cast<std::size_t>(next.token)], 1e-5);
    ASSERT_NEAR(next.entropy, entropy, 1e-4);
    ASSERT_GT(next.mutual_information, 0);
    tokens.push_back(next.token);
  }
}

TEST(TextGenerator, RefusesWhatIsNotANumber) {
  Gpt2 network(kConfig);
  std::vector<float> mean = random_theta(network.parameters(), 0.3);
  mean[0] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> sd(mean.size(), 0.2f);
  const auto rule = make_kept_rule("ivon");
  TextGenerator generator(Stream(), kConfig, WeightDraws(*rule, mean, sd, 2, kSeed), {},
                          std::vector<std::int32_t>{2, 5});
  EXPECT_EQ(testing::error_of(ExitCode::kNumerical, [&] { generator.next(); }),
            "what the network says behind token 2 of the text has no finite probabilities");
}

TEST(TextGenerator, TakesTheMostProbableOfTheAverage) {
  Gpt2 network(kConfig);
  expect_the_most_probable(network, nullptr);
}

TEST(TextGenerator, ReadsByTheWeightsThatAdaptersMake) {
  LowRank network(std::make_unique<Gpt2>(kConfig), {"h.0.attn.c_attn", "h.0.mlp.c_proj"}, 4, 4.0);
  network.set_base(Stream(), random_theta(network.network().parameters(), 0.3, 6));
  expect_the_most_probable(network, &network);
}

TEST(TextGenerator, IsAFunctionOfItsSeedAndOneDrawDoesNotDisagree) {
  Gpt2 network(kConfig);
  const std::vector<float> mean = random_theta(network.parameters(), 0.3);
  const std::vector<float> sd(mean.size(), 0.2f);
  const auto rule = make_kept_rule("ivon");
  const WeightDraws draws(*rule, mean, sd, 1, kSeed);
  const auto text = [&](std::uint64_t seed) {
    TextGenerator generator(Stream(), kConfig, draws, {.seed = seed}, std::vector<std::int32_t>{2});
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < 40; ++i) {
      const GeneratedToken next = generator.next();
      EXPECT_NEAR(next.mutual_information, 0, 1e-12);
      tokens.push_back(next.token);
    }
    return tokens;
  };
  EXPECT_EQ(text(5), text(5));
  EXPECT_NE(text(5), text(6));
}

TEST(TextGenerator, ChoosesByTemperatureAmongTheMostProbable) {
  const std::vector<double> p{0.1, 0.4, 0.2, 0.3};
  constexpr int kTimes = 4000;
  for (const double temperature : {0.5, 1.0, 2.0}) {
    for (const std::int64_t top : {0, 2}) {
      std::array<double, 4> expected{}, counted{};
      double sum = 0;
      for (std::size_t c = 0; c < 4; ++c) {
        if (top == 0 || p[c] >= 0.3) expected[c] = std::pow(p[c], 1 / temperature);
        sum += expected[c];
      }
      for (int i = 0; i < kTimes; ++i) {
        const auto token =
            choose_token(p, {.temperature = temperature, .top_k = top}, (i + 0.5) / kTimes);
        counted[static_cast<std::size_t>(token)] += 1.0 / kTimes;
      }
      for (std::size_t c = 0; c < 4; ++c) {
        EXPECT_NEAR(counted[c], expected[c] / sum, 1.01 / kTimes) << temperature << " " << top;
      }
    }
  }
}

TEST(TextGenerator, RefusesAPromptThatIsNone) {
  const Gpt2 network(kConfig);
  const std::vector<float> mean(network.parameters().size());
  const auto rule = make_kept_rule("ivon");
  const WeightDraws draws(*rule, mean, mean, 1, kSeed);
  const auto refusal = [&](const std::vector<std::int32_t>& prompt) {
    return testing::error_of(ExitCode::kUsage,
                             [&] { TextGenerator(Stream(), kConfig, draws, {}, prompt); });
  };
  EXPECT_EQ(refusal({}), "a text needs a token to begin with");
  EXPECT_EQ(refusal({1, 20}), "token 20 of the prompt is beyond the vocabulary of 20 tokens");
}

}  // namespace
}  // namespace bayesum::test
