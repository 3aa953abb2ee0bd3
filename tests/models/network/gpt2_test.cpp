#include "models/network/gpt2.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <tuple>

#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

Gpt2Config small_config() {
  return {.shape = {.vocabulary = 50,
                    .context = 48,
                    .layers = 2,
                    .heads = 4,
                    .channels = 64,
                    .vocabulary_multiple = 64}};
}

// Runs with so many threads, then as before.
template <class Body>
auto with_threads(int threads, const Body& body) {
  const int before = cpu::thread_count();
  cpu::set_thread_count(threads);
  const auto result = body();
  cpu::set_thread_count(before);
  return result;
}

double distance(std::span<const float> a, std::span<const float> b) {
  double squares = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = double{a[i]} - double{b[i]};
    squares += difference * difference;
    size += double{a[i]} * double{a[i]};
  }
  return std::sqrt(squares / size);
}

void expect_error(const std::string& part, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "no error of " << part;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

// In both precisions, with and without dropout.
class Gpt2Laws : public testing::TestWithParam<std::tuple<Precision, double>> {
 protected:
  Gpt2Laws() {
    config_.precision = std::get<0>(GetParam());
    config_.dropout = std::get<1>(GetParam());
  }

  Gpt2Config config_ = small_config();
  NoiseId noise_{.seed = 1, .step = 2, .draw = 3};
  Text text_{3, 48, 50};
};

TEST_P(Gpt2Laws, RecomputingGivesTheSameBits) {
  Gpt2 keeping(config_);
  config_.recompute = true;
  Gpt2 recomputing(config_);
  const std::vector<float> theta = random_theta(keeping.parameters(), 0.05);
  const Taught kept = teach(keeping, theta, text_.batch(), noise_);
  const Taught recomputed = teach(recomputing, theta, text_.batch(), noise_);
  EXPECT_GT(kept.loss(), 0);
  EXPECT_EQ(kept.counts, recomputed.counts);
  EXPECT_TRUE(kept.gradient == recomputed.gradient);
}

TEST_P(Gpt2Laws, AnyNumberOfThreadsGivesTheSameBits) {
  Gpt2 network(config_);
  const std::vector<float> theta = random_theta(network.parameters(), 0.05);
  const auto run = [&] { return teach(network, theta, text_.batch(), noise_); };
  const Taught alone = with_threads(1, run);
  for (const int threads : {2, 3, 7}) {
    const Taught together = with_threads(threads, run);
    EXPECT_EQ(alone.counts, together.counts) << threads;
    EXPECT_TRUE(alone.gradient == together.gradient) << threads;
  }
}

TEST_P(Gpt2Laws, PassesLeaveNothingBehind) {
  Gpt2 network(config_);
  const std::vector<float> theta = random_theta(network.parameters(), 0.05);
  const Taught first = teach(network, theta, text_.batch(), noise_);
  const Text other(5, 17, 50, 9);
  const std::vector<float> theirs = predict(network, theta, other.batch());
  teach(network, random_theta(network.parameters(), 0.1, 2), other.batch());
  const Taught again = teach(network, theta, text_.batch(), noise_);
  EXPECT_EQ(first.counts, again.counts);
  EXPECT_TRUE(first.gradient == again.gradient);
  EXPECT_TRUE(theirs == predict(network, theta, other.batch()));
}

TEST_P(Gpt2Laws, TheGradientIsAddedAndFinalFromTheEnd) {
  Gpt2 network(config_);
  const std::vector<float> theta = random_theta(network.parameters(), 0.05);
  const Taught once = teach(network, theta, text_.batch(), noise_);
  Taught twice = once;
  std::vector<float> seen(once.gradient.size(), -1.0f);
  std::size_t last = seen.size();
  std::size_t calls = 0;
  const GradientSink sink{
      .gradient = twice.gradient, .squares = {}, .final_from = [&](std::size_t first) {
        ASSERT_LE(first, last);
        for (std::size_t i = first; i < last; ++i) seen[i] = twice.gradient[i];
        last = first;
        ++calls;
      }};
  network.accumulate(Stream(), theta, text_.batch(), noise_, sink, twice.counts);
  EXPECT_EQ(last, 0u);
  EXPECT_EQ(calls, 2u * 6 + 2);
  EXPECT_TRUE(seen == twice.gradient);
  EXPECT_EQ(twice.loss(), 2 * once.loss());
  std::vector<float> doubled = once.gradient;
  for (float& g : doubled) g *= 2;
  EXPECT_LT(distance(doubled, twice.gradient), 1e-6);
}

TEST_P(Gpt2Laws, RowsKnowNothingOfEachOther) {
  config_.dropout = 0;
  Gpt2 network(config_);
  const std::vector<float> theta = random_theta(network.parameters(), 0.05);
  const Taught together = teach(network, theta, text_.batch());
  const std::vector<float> all = predict(network, theta, text_.batch());
  Taught sum;
  sum.gradient.resize(together.gradient.size());
  for (std::size_t row = 0; row < text_.rows; ++row) {
    ExampleBatch one = text_.batch();
    one.rows = 1;
    one.tokens = one.tokens.subspan(row * one.length, one.length);
    one.targets = one.targets.subspan(row * one.length, one.length);
    network.accumulate(Stream(), theta, one, {}, {.gradient = sum.gradient}, sum.counts);
    const std::vector<float> alone = predict(network, theta, one);
    const auto same = std::span(all).subspan(row * alone.size(), alone.size());
    EXPECT_LT(distance(alone, same), 1e-5) << row;
  }
  EXPECT_NEAR(sum.loss(), together.loss(), 1e-6 * sum.loss());
  EXPECT_EQ(sum.counts[WeightMessage::kExamples], together.counts[WeightMessage::kExamples]);
  EXPECT_LT(distance(sum.gradient, together.gradient),
            config_.precision == Precision::kFloat32 ? 1e-5 : 1e-3);
}

TEST_P(Gpt2Laws, WhatComesLaterChangesNothing) {
  Gpt2 network(config_);
  const std::vector<float> theta = random_theta(network.parameters(), 0.05);
  const std::vector<float> before = predict(network, theta, text_.batch());
  constexpr std::size_t kChanged = 20;
  Text changed = text_;
  changed.tokens[kChanged] = (changed.tokens[kChanged] + 1) % 50;
  const std::vector<float> after = predict(network, theta, changed.batch());
  for (std::size_t t = 0; t < text_.tokens.size(); ++t) {
    const auto row = [&](const std::vector<float>& of) {
      return std::span(of).subspan(t * 50, 50);
    };
    const bool same = std::ranges::equal(row(before), row(after));
    EXPECT_EQ(same, t < kChanged || t >= text_.length) << t;
  }
}

TEST_P(Gpt2Laws, PaddingOfTheVocabularyHasNoProbabilityAndNoGradient) {
  Gpt2 network(config_);
  std::vector<float> theta = random_theta(network.parameters(), 0.05);
  const std::vector<float> out = predict(network, theta, text_.batch());
  for (std::size_t t = 0; t < text_.tokens.size(); ++t) {
    double total = 0;
    for (std::size_t k = 0; k < 50; ++k) total += std::exp(double{out[t * 50 + k]});
    EXPECT_NEAR(total, 1, 1e-5);
  }
  const Taught taught = teach(network, theta, text_.batch(), noise_);
  const std::size_t channels = config_.shape.channels;
  for (std::size_t i = 50 * channels; i < 64 * channels; ++i) {
    ASSERT_EQ(taught.gradient[i], 0.0f);
    theta[i] = 1e3f;
  }
  EXPECT_TRUE(out == predict(network, theta, text_.batch()));
  EXPECT_EQ(taught.counts, teach(network, theta, text_.batch(), noise_).counts);
}

INSTANTIATE_TEST_SUITE_P(
    , Gpt2Laws,
    testing::Combine(testing::Values(Precision::kFloat32, Precision::kBFloat16),
                     testing::Values(0.0, 0.1)),
    [](const auto& law) {
      return std::string(std::get<0>(law.param) == Precision::kFloat32 ? "Float32" : "BFloat16") +
             (std::get<1>(law.param) == 0 ? "" : "Dropout");
    });

// bfloat16 rounds by 2^-8 of each value at most, in some thirty places one behind the other.
TEST(Gpt2, BFloat16IsNearFloat32) {
  Gpt2Config config = small_config();
  Gpt2 exact(config);
  config.precision = Precision::kBFloat16;
  Gpt2 rounded(config);
  const Text text(3, 48, 50);
  for (const double sd : {0.02, 0.1}) {
    const std::vector<float> theta = random_theta(exact.parameters(), sd);
    const Taught a = teach(exact, theta, text.batch()), b = teach(rounded, theta, text.batch());
    EXPECT_NEAR(a.loss(), b.loss(), 2e-3 * a.loss()) << sd;
    EXPECT_NE(a.loss(), b.loss());
    for (const ParameterTensor& tensor : exact.parameters().tensors()) {
      const auto part = [&](const Taught& of) {
        return std::span(of.gradient).subspan(tensor.first, tensor.size());
      };
      EXPECT_LT(distance(part(a), part(b)), 0.03) << sd << " " << tensor.name;
    }
  }
}

// At the start of a training every token is about as likely as any other.
TEST(Gpt2, StartsAtTheEntropyOfTheVocabulary) {
  Gpt2 network(small_config());
  const Text text(3, 48, 50);
  const Taught taught = teach(network, initial_theta(network.parameters()), text.batch());
  EXPECT_NEAR(taught.loss() / taught.counts[WeightMessage::kExamples], std::log(50.0), 0.05);
}

TEST(Gpt2, EvaluationIsThePassWithoutDropout) {
  Gpt2Config config = small_config();
  Gpt2 plain(config);
  config.dropout = 0.3;
  Gpt2 dropping(config);
  const Text text(3, 48, 50);
  const std::vector<float> theta = random_theta(plain.parameters(), 0.1);
  const Taught taught = teach(plain, theta, text.batch());
  std::array<double, WeightMessage::kScalars> counts{};
  dropping.evaluate(Stream(), theta, text.batch(), counts);
  EXPECT_EQ(counts, taught.counts);
  EXPECT_NE(teach(dropping, theta, text.batch(), {.seed = 1}).loss(), taught.loss());
  EXPECT_NE(teach(dropping, theta, text.batch(), {.seed = 1}).loss(),
            teach(dropping, theta, text.batch(), {.seed = 2}).loss());
}

// The loss of a text is minus the log-probabilities of its targets, counted by hand.
TEST(Gpt2, LossIsThatOfItsPredictions) {
  Gpt2 network(small_config());
  const Text text(3, 48, 50);
  const std::vector<float> theta = random_theta(network.parameters(), 0.1);
  const std::vector<float> out = predict(network, theta, text.batch());
  double loss = 0, correct = 0, examples = 0;
  for (std::size_t t = 0; t < text.tokens.size(); ++t) {
    if (text.targets[t] == kNoTarget) continue;
    const auto row = std::span(out).subspan(t * 50, 50);
    loss -= double{row[static_cast<std::size_t>(text.targets[t])]};
    correct += std::ranges::max_element(row) - row.begin() == text.targets[t];
    ++examples;
  }
  std::array<double, WeightMessage::kScalars> counts{};
  network.evaluate(Stream(), theta, text.batch(), counts);
  EXPECT_NEAR(counts[WeightMessage::kLoss], loss, 1e-6 * loss);
  EXPECT_EQ(counts[WeightMessage::kCorrect], correct);
  EXPECT_EQ(counts[WeightMessage::kExamples], examples);
}

// A vocabulary so large that the head goes over the rows in several chunks, the last a short one.
TEST(Gpt2, ChunksOfTheHeadAddUp) {
  const Gpt2Config config{.shape = {.vocabulary = (std::size_t{1} << 20) - 3,
                                    .context = 75,
                                    .layers = 1,
                                    .heads = 1,
                                    .channels = 4,
                                    .vocabulary_multiple = 64}};
  EXPECT_LT(activation_bytes(config, 1, 75), std::size_t{300} << 20);
  Gpt2 network(config);
  const Text text(1, 75, config.shape.vocabulary);
  const std::vector<float> theta = random_theta(network.parameters(), 0.3);
  const Taught all = teach(network, theta, text.batch());
  EXPECT_EQ(all.counts[WeightMessage::kExamples], 64);
  Taught sum;
  sum.gradient.resize(all.gradient.size());
  for (const std::size_t first : {0, 40}) {
    Text part = text;
    for (std::size_t t = 0; t < 75; ++t) {
      if ((t < 40) != (first == 0)) part.targets[t] = kNoTarget;
    }
    network.accumulate(Stream(), theta, part.batch(), {}, {.gradient = sum.gradient}, sum.counts);
  }
  EXPECT_NEAR(sum.loss(), all.loss(), 1e-6 * all.loss());
  EXPECT_LT(distance(sum.gradient, all.gradient), 1e-5);
}

TEST(Gpt2, RefusesWhatItCannotDo) {
  Gpt2 network(small_config());
  const std::vector<float> theta = initial_theta(network.parameters());
  const Text text(1, 48, 50);
  expect_error("squared gradients", [&] { teach(network, theta, text.batch(), {}, true); });
  expect_error("49 tokens do not fit the context of 48 positions",
               [&] { teach(network, theta, Text(1, 49, 50).batch()); });
  expect_error("no tokens", [&] { teach(network, theta, Text(0, 48, 50).batch()); });
  expect_error("parameters", [&] { teach(network, std::span(theta).first(16), text.batch()); });
  ExampleBatch silent = text.batch();
  silent.targets = {};
  expect_error("0 targets where 48 belong", [&] { teach(network, theta, silent); });
  Gpt2Config config = small_config();
  config.dropout = 1;
  expect_error("dropout of 1", [&] { Gpt2 never(config); });
  expect_error("does not fit in memory: it needs",
               [&] { network.reserve(Stream(), std::size_t{1} << 34, 48); });
}

TEST(Gpt2, RecomputingHoldsLess) {
  Gpt2Config config{.shape = {}};
  const std::size_t tokens = 8 * 1024, channels = 768;
  const auto block = [&](bool recompute) {
    config.recompute = recompute;
    config.shape.layers = 12;
    const std::size_t twelve = activation_bytes(config, 8, 1024);
    config.shape.layers = 2;
    return static_cast<double>(twelve - activation_bytes(config, 8, 1024)) / 10;
  };
  const auto stream = static_cast<double>(4 * tokens * channels);
  EXPECT_NEAR(block(true) / stream, 1, 0.01);
  // entrance, normal, qkv, attended, middle, normal, before and hidden
  EXPECT_NEAR(block(false) / stream, 1 + 1 + 3 + 1 + 1 + 1 + 4 + 4, 0.1);
  config.precision = Precision::kBFloat16;
  EXPECT_NEAR(block(false) / stream, 1 + 1 + 7, 0.1);
}

// PaLM's rule of six operations for each parameter, on the parameters of GPT-2 as OpenAI has it:
// 124,439,808, of which 786,432 are positions and 121,344 biases and layer norms.
TEST(Gpt2, CountsItsOperations) {
  const Gpt2Config config;
  EXPECT_EQ(gpt2_parameters(config.shape).count(), 124439808u);
  EXPECT_EQ(flops_per_token(config, 0), 6.0 * (124439808 - 786432 - 121344));
  EXPECT_EQ(flops_per_token(config, 1024) - flops_per_token(config, 0), 12.0 * 12 * 768 * 1024);
}

TEST(Gpt2, LearnsFourSequencesByHeart) {
  Gpt2Config config = small_config();
  config.shape.context = 32;
  Gpt2 network(config);
  const Text text(4, 32, 50);
  std::vector<float> theta = initial_theta(network.parameters());
  const double targets = teach(network, theta, text.batch()).counts[WeightMessage::kExamples];
  double loss = 1e9;
  for (int step = 0; step < 1000 && loss > 0.05; ++step) {
    const Taught taught = teach(network, theta, text.batch());
    loss = taught.loss() / targets;
    for (std::size_t i = 0; i < theta.size(); ++i) {
      theta[i] -= static_cast<float>(0.3 / targets) * taught.gradient[i];
    }
  }
  EXPECT_LT(loss, 0.1);
  std::array<double, WeightMessage::kScalars> counts{};
  network.evaluate(Stream(), theta, text.batch(), counts);
  EXPECT_LT(counts[WeightMessage::kLoss] / targets, 0.1);
  EXPECT_EQ(counts[WeightMessage::kCorrect], targets);
}

}  // namespace
}  // namespace bayesum::test
