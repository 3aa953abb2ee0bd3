#include "kernels/network/layer_norm.hpp"

#include "kernels/error.hpp"
#include "tests/kernels/network/network_test.hpp"

namespace bayesum::test {
namespace {

constexpr double kEpsilon = 1e-3;

struct Oracle {
  std::size_t rows, channels;
  std::vector<double> x, gain, bias;

  double mean(std::size_t r) const {
    double sum = 0.0;
    for (std::size_t j = 0; j < channels; ++j) sum += x[r * channels + j];
    return sum / static_cast<double>(channels);
  }
  double rstd(std::size_t r) const {
    double sum = 0.0;
    for (std::size_t j = 0; j < channels; ++j) sum += std::pow(x[r * channels + j] - mean(r), 2);
    return 1.0 / std::sqrt(sum / static_cast<double>(channels) + kEpsilon);
  }
  std::vector<double> forward() const {
    std::vector<double> y(x.size());
    for (std::size_t r = 0; r < rows; ++r) {
      const double m = mean(r), s = rstd(r);
      for (std::size_t j = 0; j < channels; ++j) {
        y[r * channels + j] = (x[r * channels + j] - m) * s * gain[j] + bias[j];
      }
    }
    return y;
  }
  // dy_i / dx_j = gain_i rstd ([i = j] - 1/n - normal_i normal_j / n)
  std::vector<double> dx(const std::vector<double>& dy) const {
    const auto n = static_cast<double>(channels);
    std::vector<double> d(x.size());
    for (std::size_t r = 0; r < rows; ++r) {
      const double m = mean(r), s = rstd(r);
      const auto normal = [&](std::size_t j) { return (x[r * channels + j] - m) * s; };
      for (std::size_t j = 0; j < channels; ++j) {
        for (std::size_t i = 0; i < channels; ++i) {
          const double slope = (i == j ? 1.0 : 0.0) - 1.0 / n - normal(i) * normal(j) / n;
          d[r * channels + j] += dy[r * channels + i] * gain[i] * s * slope;
        }
      }
    }
    return d;
  }
};

TEST(LayerNormOracleTest, BackwardMatchesFiniteDifferences) {
  Oracle oracle{3, 5, random_vector(15, 1), random_vector(5, 2), random_vector(5, 3)};
  const std::vector<double> dy = random_vector(15, 4);
  const auto expected = finite_differences(oracle.x, [&](const std::vector<double>& x) {
    return dot(Oracle{3, 5, x, oracle.gain, oracle.bias}.forward(), dy);
  });
  expect_near(oracle.dx(dy), expected, 1e-8);
}

template <class T>
class LayerNormTest : public NetworkTest<T> {};
TYPED_TEST_SUITE(LayerNormTest, StorageTypes);

const std::vector<std::pair<std::size_t, std::size_t>> kShapes{
    {0, 3}, {1, 1}, {5, 31}, {32, 32}, {33, 33}, {257, 17}, {7, 255}, {3, 256}, {1100, 65}};

TYPED_TEST(LayerNormTest, ForwardAddsAndNormalises) {
  using T = TypeParam;
  for (const auto& [rows, channels] : kShapes) {
    for (const bool with_delta : {false, true}) {
      const auto residual = random_values<float>(rows * channels, 1, 2.0, 3.0);
      const auto delta = random_values<T>(rows * channels, 2);
      const auto gain = random_values<float>(channels, 3), bias = random_values<float>(channels, 4);
      Oracle oracle{rows, channels, wide(residual), wide(gain), wide(bias)};
      for (std::size_t i = 0; with_delta && i < oracle.x.size(); ++i) {
        oracle.x[i] += wide(static_cast<float>(delta[i]));
      }
      if (!with_delta) oracle.bias.assign(channels, 0.0);
      auto in = this->floats(residual), sum = this->floats(std::vector<float>(residual.size()));
      auto dd = this->store(delta);
      auto dgain = this->floats(gain), dbias = this->floats(bias);
      auto y = this->empty(rows * channels);
      auto mean = this->floats(std::vector<float>(rows)), rstd = this->floats(mean.host());
      LayerNorm<T> op{.residual = in.matrix(rows, channels),
                      .gain = dgain.span(),
                      .epsilon = static_cast<float>(kEpsilon),
                      .y = y.matrix(rows, channels),
                      .mean = mean.span(),
                      .rstd = rstd.span()};
      if (with_delta) {
        op.delta = dd.matrix(rows, channels);
        op.sum = sum.matrix(rows, channels);
        op.bias = dbias.span();
      }
      layer_norm(this->stream(), op);
      expect_close(y.host(), oracle.forward(), this->kRounding + 1e-5);
      if (with_delta) expect_close(sum.host(), oracle.x, 1e-7);
      std::vector<double> means, deviations;
      for (std::size_t r = 0; r < rows; ++r) {
        means.push_back(oracle.mean(r));
        deviations.push_back(oracle.rstd(r));
      }
      expect_close(mean.host(), means, 1e-6);
      expect_close(rstd.host(), deviations, 1e-5);
    }
  }
}

TYPED_TEST(LayerNormTest, BackwardMatchesTheJacobian) {
  using T = TypeParam;
  for (const auto& [rows, channels] : kShapes) {
    if (channels == 1) continue;  // y does not depend on x: nothing but rounding is left
    const auto x = random_values<float>(rows * channels, 1);
    const auto dy = random_values<T>(rows * channels, 2);
    const auto gain = random_values<float>(channels, 3), before = random_values<float>(x.size(), 5);
    const Oracle oracle{rows, channels, wide(x), wide(gain), std::vector<double>(channels)};
    std::vector<float> means, deviations;
    std::vector<double> gain_sums(channels, 1.0), bias_sums(channels, -1.0);
    for (std::size_t r = 0; r < rows; ++r) {
      means.push_back(static_cast<float>(oracle.mean(r)));
      deviations.push_back(static_cast<float>(oracle.rstd(r)));
      for (std::size_t j = 0; j < channels; ++j) {
        const double d = wide(static_cast<float>(dy[r * channels + j]));
        gain_sums[j] += d * (oracle.x[r * channels + j] - oracle.mean(r)) * oracle.rstd(r);
        bias_sums[j] += d;
      }
    }
    auto sum = this->floats(x), dgain = this->floats(gain), dsum = this->floats(before);
    auto ddy = this->store(dy), ddelta = this->empty(dy.size());
    auto mean = this->floats(means), rstd = this->floats(deviations);
    auto gain_gradient = this->floats(std::vector<float>(channels, 1.0f));
    auto bias_gradient = this->floats(std::vector<float>(channels, -1.0f));
    LayerNormBackward<T> op{.sum = sum.matrix(rows, channels),
                            .dy = ddy.matrix(rows, channels),
                            .gain = dgain.span(),
                            .mean = mean.span(),
                            .rstd = rstd.span(),
                            .dsum = dsum.matrix(rows, channels),
                            .ddelta = ddelta.matrix(rows, channels),
                            .gain_gradient = gain_gradient.span(),
                            .bias_gradient = bias_gradient.span()};
    layer_norm_backward(this->stream(), op);
    std::vector<double> expected = oracle.dx(wide(dy));
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += wide(before[i]);
    expect_close(dsum.host(), expected, 2e-5);
    expect_close(ddelta.host(), expected, 2e-5 + this->kRounding);
    expect_close(gain_gradient.host(), gain_sums, 1e-5);
    expect_close(bias_gradient.host(), bias_sums, 1e-5);
    op.gain_gradient = op.bias_gradient = {};
    op.ddelta = {};
    EXPECT_NO_THROW(layer_norm_backward(this->stream(), op));
  }
}

TYPED_TEST(LayerNormTest, ShapesThatDoNotFitAreErrors) {
  using T = TypeParam;
  auto in = this->floats(std::vector<float>(6)), vector = this->floats(std::vector<float>(3));
  auto y = this->store(std::vector<T>(6));
  LayerNorm<T> op{.residual = in.matrix(2, 3),
                  .gain = vector.span(),
                  .y = y.matrix(2, 3),
                  .mean = vector.span(),
                  .rstd = vector.span().first(2)};
  EXPECT_THROW(layer_norm(this->stream(), op), Error);
  op.mean = vector.span().first(2);
  EXPECT_NO_THROW(layer_norm(this->stream(), op));
  op.delta = y.matrix(2, 3);  // and no sum
  EXPECT_THROW(layer_norm(this->stream(), op), Error);
}

}  // namespace
}  // namespace bayesum::test
