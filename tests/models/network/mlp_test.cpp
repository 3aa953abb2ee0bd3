#include "models/network/mlp.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/files/tensor_reader.hpp"
#include "kernels/parallel.hpp"
#include "models/network/low_rank.hpp"
#include "tests/models/network/network_cases.hpp"

namespace bayesum::test {
namespace {

// Rows with labels or responses.
struct Rows {
  std::size_t count, features, responses;
  std::vector<float> x, y;
  std::vector<std::int32_t> labels;

  Rows(std::size_t rows, const MlpConfig& config, std::uint32_t seed = 7)
      : count(rows), features(config.features), responses(config.responses) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < rows * features; ++i) x.push_back(normal(generator));
    for (std::size_t i = 0; i < rows; ++i) {
      if (config.classes > 0) {
        labels.push_back(i == 2 ? kNoTarget : static_cast<std::int32_t>(i % config.classes));
      } else {
        for (std::size_t j = 0; j < responses; ++j) y.push_back(2 * normal(generator));
      }
    }
  }

  ExampleBatch batch(std::size_t first, std::size_t rows) const {
    ExampleBatch batch{.rows = rows,
                       .tokens = {},
                       .features = {x.data() + first * features, rows, features},
                       .targets = {},
                       .response = {}};
    if (labels.empty()) {
      batch.response = {y.data() + first * responses, rows, responses};
    } else {
      batch.targets = std::span(labels).subspan(first, rows);
    }
    return batch;
  }
  ExampleBatch batch() const { return batch(0, count); }
};

// The perceptron in float64, by its definition.
class Oracle {
 public:
  Oracle(const MlpConfig& config, const ParameterSpace& space) : config_(config), space_(space) {}

  std::vector<double> outputs(std::span<const double> theta, std::span<const float> row) const {
    std::vector<double> a(row.begin(), row.end());
    for (std::size_t l = 0; l <= config_.hidden.size(); ++l) {
      const ParameterTensor& weight = space_.tensor("layers." + std::to_string(l) + ".weight");
      const ParameterTensor& bias = space_.tensor("layers." + std::to_string(l) + ".bias");
      std::vector<double> z(weight.shape[1]);
      for (std::size_t j = 0; j < z.size(); ++j) {
        z[j] = theta[bias.first + j];
        for (std::size_t i = 0; i < a.size(); ++i) {
          z[j] += a[i] * theta[weight.first + i * z.size() + j];
        }
        if (l < config_.hidden.size()) z[j] = activated(z[j]);
      }
      a = z;
    }
    return a;
  }

  double loss(std::span<const double> theta, const Rows& rows) const {
    double loss = 0;
    for (std::size_t r = 0; r < rows.count; ++r) {
      const auto f = outputs(theta, std::span(rows.x).subspan(r * rows.features, rows.features));
      if (config_.classes > 0) {
        if (rows.labels[r] == kNoTarget) continue;
        double total = 0;
        for (const double z : f) total += std::exp(z);
        loss += std::log(total) - f[static_cast<std::size_t>(rows.labels[r])];
        continue;
      }
      const double tau = theta[space_.tensor("noise.log_precision").first];
      for (std::size_t j = 0; j < f.size(); ++j) {
        const double error = rows.y[r * rows.responses + j] - f[j];
        loss += 0.5 * (std::exp(tau) * error * error - tau + std::log(2 * M_PI));
      }
    }
    return loss;
  }

 private:
  double activated(double z) const {
    switch (config_.activation) {
      case Activation::kRelu:
        return std::max(z, 0.0);
      case Activation::kTanh:
        return std::tanh(z);
      default:
        return 0.5 * z * (1 + std::tanh(std::sqrt(2 / M_PI) * (z + 0.044715 * z * z * z)));
    }
  }

  const MlpConfig& config_;
  const ParameterSpace& space_;
};

std::vector<MlpConfig> configs() {
  std::vector<MlpConfig> all;
  for (const Activation f : {Activation::kRelu, Activation::kGelu, Activation::kTanh}) {
    all.push_back({.features = 5, .classes = 3, .hidden = {7, 6}, .activation = f});
    all.push_back({.features = 5, .responses = 2, .hidden = {7, 6}, .activation = f});
  }
  all.push_back({.features = 4, .classes = 2, .hidden = {}});
  all.push_back({.features = 4, .responses = 1, .hidden = {}});
  return all;
}

TEST(Mlp, GradientIsTheSlopeOfTheLoss) {
  for (const MlpConfig& config : configs()) {
    Mlp network(config);
    const Oracle oracle(config, network.parameters());
    const Rows rows(9, config);
    const std::vector<float> theta = random_theta(network.parameters(), 0.6);
    std::vector<double> exact(theta.begin(), theta.end());
    const Taught taught = teach(network, theta, rows.batch());
    EXPECT_NEAR(taught.loss(), oracle.loss(exact, rows), 1e-5 * taught.loss());
    EXPECT_EQ(taught.counts[WeightMessage::kExamples], config.classes > 0 ? 8 : 9);
    expect_slope(
        network.parameters(), taught.gradient, exact, [&] { return oracle.loss(exact, rows); },
        1e-6, 1e-2);
  }
}

// Of adapters on its matrices, theta -> W + s A B multiplied out in float64.
TEST(Mlp, GradientOfAdaptersIsTheSlopeOfTheLoss) {
  constexpr double kAlpha = 3;
  constexpr std::size_t kRank = 2;
  for (const MlpConfig& config : configs()) {
    if (config.hidden.empty()) continue;
    LowRank network(std::make_unique<Mlp>(config), {"layers.0", "layers.2"}, kRank, kAlpha);
    const ParameterSpace& weights = network.network().parameters();
    const Oracle oracle(config, weights);
    const Rows rows(9, config);
    const std::vector<float> base = random_theta(weights, 0.6, 4);
    network.set_base(Stream(), base);
    const std::vector<float> theta = random_theta(network.parameters(), 0.6);
    std::vector<double> exact(theta.begin(), theta.end());
    const auto loss = [&] {
      std::vector<double> all(base.begin(), base.end());
      for (const std::string name : {"layers.0", "layers.2"}) {
        const ParameterTensor& w = weights.tensor(name + ".weight");
        const double* const a = &exact[network.parameters().tensor(name + ".lora_A").first];
        const double* const b = &exact[network.parameters().tensor(name + ".lora_B").first];
        for (std::size_t i = 0; i < w.size(); ++i) {
          const std::size_t in = i / w.shape[1], out = i % w.shape[1];
          for (std::size_t k = 0; k < kRank; ++k) {
            all[w.first + i] += kAlpha / kRank * a[in * kRank + k] * b[k * w.shape[1] + out];
          }
        }
      }
      return oracle.loss(all, rows);
    };
    const Taught taught = teach(network, theta, rows.batch());
    EXPECT_NEAR(taught.loss(), loss(), 1e-5 * taught.loss());
    expect_slope(network.parameters(), taught.gradient, exact, loss, 1e-6, 1e-2);
  }
}

TEST(Mlp, SquaresAreThoseOfTheGradientsOfSingleExamples) {
  for (const MlpConfig& config : configs()) {
    Mlp network(config);
    const Rows rows(9, config);
    const std::vector<float> theta = random_theta(network.parameters(), 0.6);
    const Taught together = teach(network, theta, rows.batch(), {}, true);
    std::vector<double> squares(theta.size()), sum(theta.size());
    for (std::size_t r = 0; r < rows.count; ++r) {
      const Taught one = teach(network, theta, rows.batch(r, 1));
      for (std::size_t i = 0; i < theta.size(); ++i) {
        squares[i] += double{one.gradient[i]} * double{one.gradient[i]};
        sum[i] += double{one.gradient[i]};
      }
    }
    const double most = *std::ranges::max_element(squares);
    for (std::size_t i = 0; i < theta.size(); ++i) {
      ASSERT_NEAR(together.squares[i], squares[i], 1e-5 * squares[i] + 1e-7 * most) << i;
      ASSERT_NEAR(together.gradient[i], sum[i], 1e-5 * std::sqrt(most)) << i;
    }
  }
}

TEST(Mlp, IsThatOfPyTorch) {
  const TensorReader file(BAYESUM_TEST_FOLDER "/mlp.safetensors", Checksum::kNone);
  for (const std::string f : {"relu", "gelu"}) {
    const MlpConfig config{.features = 7,
                           .classes = 3,
                           .hidden = {12, 9},
                           .activation = f == "relu" ? Activation::kRelu : Activation::kGelu};
    Mlp network(config);
    Rows rows(11, config);
    rows.x = file.floats("features");
    std::ranges::transform(file.integers("classes"), rows.labels.begin(),
                           [](std::int64_t label) { return static_cast<std::int32_t>(label); });
    std::vector<float> theta(network.parameters().size());
    for (const ParameterTensor& tensor : network.parameters().tensors()) {
      std::ranges::copy(file.floats(f + "." + tensor.name),
                        theta.begin() + static_cast<std::ptrdiff_t>(tensor.first));
    }
    const Taught taught = teach(network, theta, rows.batch());
    const double loss = file.floats(f + ".loss.sum")[0];
    EXPECT_NEAR(taught.loss(), loss, 1e-5 * loss);
    for (const ParameterTensor& tensor : network.parameters().tensors()) {
      const auto expected = file.floats(f + ".gradient." + tensor.name);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(taught.gradient[tensor.first + i], expected[i], 1e-5) << tensor.name << i;
      }
    }
    const std::vector<float> logits = file.floats(f + ".logits");
    const std::vector<float> out = predict(network, theta, rows.batch());
    for (std::size_t r = 0; r < 11; ++r) {
      EXPECT_NEAR(out[3 * r] - out[3 * r + 1], logits[3 * r] - logits[3 * r + 1], 1e-5);
      EXPECT_NEAR(std::exp(out[3 * r]) + std::exp(out[3 * r + 1]) + std::exp(out[3 * r + 2]), 1,
                  1e-6);
    }
  }
}

TEST(Mlp, PredictsMeansAndTheLogPrecision) {
  const MlpConfig config{
      .features = 5, .responses = 2, .hidden = {7, 6}, .activation = Activation::kTanh};
  Mlp network(config);
  const Oracle oracle(config, network.parameters());
  const Rows rows(9, config);
  const std::vector<float> theta = random_theta(network.parameters(), 0.6);
  const std::vector<double> exact(theta.begin(), theta.end());
  const std::vector<float> out = predict(network, theta, rows.batch());
  for (std::size_t r = 0; r < 9; ++r) {
    const auto means = oracle.outputs(exact, std::span(rows.x).subspan(5 * r, 5));
    EXPECT_NEAR(out[3 * r], means[0], 1e-5);
    EXPECT_NEAR(out[3 * r + 1], means[1], 1e-5);
    EXPECT_EQ(out[3 * r + 2], theta[network.parameters().tensor("noise.log_precision").first]);
  }
}

TEST(Mlp, AnyNumberOfThreadsAndAnyBatchBeforeGiveTheSameBits) {
  const MlpConfig config{.features = 40, .classes = 10, .hidden = {200, 100}};
  Mlp network(config);
  const Rows rows(700, config);
  const std::vector<float> theta = random_theta(network.parameters(), 0.1);
  const int before = cpu::thread_count();
  cpu::set_thread_count(1);
  const Taught alone = teach(network, theta, rows.batch(), {}, true);
  for (const int threads : {2, 3, 7}) {
    cpu::set_thread_count(threads);
    teach(network, theta, rows.batch(5, 31));
    const Taught together = teach(network, theta, rows.batch(), {}, true);
    EXPECT_EQ(alone.counts, together.counts) << threads;
    EXPECT_TRUE(alone.gradient == together.gradient) << threads;
    EXPECT_TRUE(alone.squares == together.squares) << threads;
  }
  cpu::set_thread_count(before);
}

// Two rings, one in the other, which no line separates.
TEST(Mlp, SeparatesTwoRings) {
  const MlpConfig config{.features = 2, .classes = 2, .hidden = {16, 16}};
  Mlp network(config);
  Rows rows(200, config);
  for (std::size_t r = 0; r < rows.count; ++r) {
    const float angle = 0.1f * static_cast<float>(r), radius = r % 2 == 0 ? 1.0f : 2.0f;
    rows.x[2 * r] = radius * std::cos(angle);
    rows.x[2 * r + 1] = radius * std::sin(angle);
    rows.labels[r] = static_cast<std::int32_t>(r % 2);
  }
  std::vector<float> theta = initial_theta(network.parameters());
  Taught taught;
  for (int step = 0; step < 1000; ++step) {
    taught = teach(network, theta, rows.batch());
    for (std::size_t i = 0; i < theta.size(); ++i) theta[i] -= 1e-3f * taught.gradient[i];
  }
  EXPECT_EQ(taught.counts[WeightMessage::kCorrect], 200);
  EXPECT_LT(taught.loss() / 200, 0.1);
}

}  // namespace
}  // namespace bayesum::test
