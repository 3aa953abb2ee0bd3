#include "models/network/gpt2_decoder.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/error.hpp"
#include "models/network/gpt2.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

constexpr std::size_t kVocabulary = 50, kContext = 100;

Gpt2Config config_of(Precision precision) {
  return {.shape = {.vocabulary = kVocabulary,
                    .context = kContext,
                    .layers = 2,
                    .heads = 4,
                    .channels = 32,
                    .vocabulary_multiple = 8},
          .dropout = 0.5,
          .precision = precision};
}

// Appends a text in pieces of these sizes and compares with what Gpt2 predicts of it all.
void expect_predictions(Gpt2Decoder& decoder, Gpt2& network, std::span<const float> theta,
                        const Text& text, const std::vector<std::size_t>& pieces,
                        double tolerance) {
  const std::vector<float> expected = predict(network, theta, text.batch());
  std::vector<float> out(text.rows * kVocabulary);
  for (const std::size_t piece : pieces) {
    const std::size_t before = decoder.size();
    std::vector<std::int32_t> tokens;
    for (std::size_t row = 0; row < text.rows; ++row) {
      const auto from =
          text.tokens.begin() + static_cast<std::ptrdiff_t>(row * text.length + before);
      tokens.insert(tokens.end(), from, from + static_cast<std::ptrdiff_t>(piece));
    }
    decoder.append(tokens, out);
    ASSERT_EQ(decoder.size(), before + piece);
    ASSERT_EQ(decoder.room(), kContext - before - piece);
    for (std::size_t row = 0; row < text.rows; ++row) {
      const std::size_t last = row * text.length + before + piece - 1;
      for (std::size_t k = 0; k < kVocabulary; ++k) {
        ASSERT_NEAR(out[row * kVocabulary + k], expected[last * kVocabulary + k], tolerance)
            << "row " << row << " behind token " << last;
      }
    }
  }
}

TEST(Gpt2Decoder, SaysWhatTheNetworkPredicts) {
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16}) {
    const double tolerance = precision == Precision::kFloat32 ? 2e-5 : 0.05;
    Gpt2 network(config_of(precision));
    const Text text(3, kContext, kVocabulary);
    const auto decoder = make_gpt2_decoder(Stream(), network.config(), text.rows);
    for (const std::uint32_t seed : {1u, 2u}) {
      const std::vector<float> theta = random_theta(network.parameters(), 0.1, seed);
      decoder->start(theta);
      expect_predictions(*decoder, network, theta, text, {1, 1, 5, 1, 70, 22}, tolerance);
      decoder->start(theta);
      expect_predictions(*decoder, network, theta, text, {100}, tolerance);
    }
  }
}

TEST(Gpt2Decoder, RefusesWhatDoesNotFit) {
  const Gpt2Config config = config_of(Precision::kFloat32);
  const auto decoder = make_gpt2_decoder(Stream(), config, 2);
  const std::vector<float> theta = initial_theta(gpt2_parameters(config.shape));
  std::vector<float> out(2 * kVocabulary);
  const std::vector<std::int32_t> tokens(2 * (kContext + 1));
  const auto append = [&](std::size_t count) {
    decoder->append(std::span(tokens).first(count), out);
  };
  EXPECT_THROW(append(2), Error);  // before the first start
  EXPECT_THROW(decoder->start(std::span(theta).first(5)), Error);
  decoder->start(theta);
  EXPECT_THROW(append(3), Error);
  EXPECT_THROW(append(0), Error);
  EXPECT_THROW(append(2 * (kContext + 1)), Error);
  append(2 * kContext);
  EXPECT_EQ(decoder->room(), 0u);
  EXPECT_THROW(append(2), Error);
  EXPECT_EQ(decoder->size(), kContext);
  EXPECT_THROW(make_gpt2_decoder(Stream(), config, 0), Error);
}

}  // namespace
}  // namespace bayesum::test
