#include "kernels/elementwise.hpp"

#include <cmath>
#include <limits>

#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

using ElementwiseTest = KernelTest;

TEST_F(ElementwiseTest, BlendIsTheLearningRule) {
  constexpr double kRho = 0.3;
  for (const std::size_t size : kAwkwardSizes) {
    const auto current = random_vector(size, 1), prior = random_vector(size, 2),
               message = random_vector(size, 3);
    auto in = on_device(current), p = on_device(prior), m = on_device(message), out = zeros(size);
    apply(stream(), Blend{kRho, in.data(), p.data(), m.data(), out.data()}, size);
    apply(stream(), Blend{kRho, in.data(), p.data(), m.data(), in.data()}, size);
    std::vector<double> expected(size);
    for (std::size_t i = 0; i < size; ++i) {
      expected[i] = (1.0 - kRho) * current[i] + kRho * (prior[i] + message[i]);
    }
    expect_near(out.host(), expected, 1e-15);
    EXPECT_EQ(in.host(), out.host()) << "in place";
  }
}

TEST_F(ElementwiseTest, AddScaledAndScale) {
  for (const std::size_t size : kAwkwardSizes) {
    const auto x = random_vector(size, 4), y = random_vector(size, 5);
    auto in = on_device(x), out = on_device(y);
    apply(stream(), AddScaled{-2.5, in.data(), out.data()}, size);
    apply(stream(), Scale{0.5, out.data()}, size);
    std::vector<double> expected(size);
    for (std::size_t i = 0; i < size; ++i) expected[i] = 0.5 * (y[i] - 2.5 * x[i]);
    expect_near(out.host(), expected, 1e-15);
  }
}

TEST_F(ElementwiseTest, FloatsToo) {
  for (const std::size_t size : kAwkwardSizes) {
    const auto x = random_vector(size, 4), y = random_vector(size, 5);
    Guarded<float> in(stream(), std::vector<float>(x.begin(), x.end()));
    Guarded<float> out(stream(), std::vector<float>(y.begin(), y.end()));
    apply(stream(), AddScaledFloat{-2.5F, in.data(), out.data()}, size);
    apply(stream(), FillFloat{-4.0F, in.data()}, size);
    const std::vector<float> sums = out.host();
    for (std::size_t i = 0; i < size; ++i) ASSERT_NEAR(sums[i], y[i] - 2.5 * x[i], 1e-6);
    EXPECT_EQ(in.host(), std::vector<float>(size, -4.0F));
  }
}

TEST_F(ElementwiseTest, StridesReachEveryOther) {
  constexpr std::size_t kStride = 3;
  for (const std::size_t size : kAwkwardSizes) {
    const auto x = random_vector(size, 6), y = random_vector(size * kStride, 7);
    auto in = on_device(x), sum = on_device(y), filled = on_device(y);
    apply(stream(), AddScaled{2.0, in.data(), sum.data(), kStride}, size);
    apply(stream(), Fill{-4.0, filled.data(), kStride}, size);
    std::vector<double> expected_sum = y, expected_filled = y;
    for (std::size_t i = 0; i < size; ++i) {
      expected_sum[i * kStride] += 2.0 * x[i];
      expected_filled[i * kStride] = -4.0;
    }
    expect_near(sum.host(), expected_sum, 1e-15);
    EXPECT_EQ(filled.host(), expected_filled);
  }
}

TEST_F(ElementwiseTest, Multiply) {
  for (const std::size_t size : kAwkwardSizes) {
    const auto x = random_vector(size, 8), y = random_vector(size, 9);
    auto a = on_device(x), b = on_device(y), out = zeros(size);
    apply(stream(), bayesum::Multiply{a.data(), b.data(), out.data()}, size);
    std::vector<double> expected(size);
    for (std::size_t i = 0; i < size; ++i) expected[i] = x[i] * y[i];
    EXPECT_EQ(out.host(), expected);
  }
}

TEST_F(ElementwiseTest, LookUpReadsTheTable) {
  const auto table = random_vector(7, 12);
  auto values = on_device(table);
  for (const std::size_t size : kAwkwardSizes) {
    std::vector<double> index(size), expected(size);
    for (std::size_t i = 0; i < size; ++i) {
      index[i] = static_cast<double>((5 * i + i / 3) % table.size());
      expected[i] = table[(5 * i + i / 3) % table.size()];
    }
    auto at = on_device(index), out = zeros(size);
    apply(stream(), LookUp{values.data(), at.data(), out.data()}, size);
    EXPECT_EQ(out.host(), expected);
  }
}

TEST_F(ElementwiseTest, AddPackedPrecisionHalvesTheDiagonal) {
  for (const std::size_t d : {0, 1, 2, 31, 33, 257}) {
    const auto precision = random_vector(packed_size(d), 10),
               start = random_vector(packed_size(d), 11);
    auto in = on_device(precision), out = on_device(start);
    apply(stream(), AddPackedPrecision{in.data(), out.data()}, packed_size(d));
    std::vector<double> expected = start;
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        expected[packed_index(i, j)] -= (i == j ? 0.5 : 1.0) * precision[packed_index(i, j)];
      }
    }
    EXPECT_EQ(out.host(), expected);
  }
}

TEST_F(ElementwiseTest, LogPrecisionGradientsAreTheSlopeOfAGaussiansLoss) {
  for (const std::size_t cols : {1, 3}) {
    for (const std::size_t rows : kAwkwardSizes) {
      const auto error = random_vector(rows * cols, 16, -2, 2);
      Buffer<float> tau(stream().device(), 1), slopes(stream().device(), rows * cols),
          out(stream().device(), 2);
      const float log_precision = 0.7f, start[] = {1.5f, 0.25f};
      std::vector<float> slope(rows * cols);
      double squares = 0, gradient = 0, of_rows = 0;
      for (std::size_t r = 0; r < rows; ++r) {
        double g = 0;
        for (std::size_t i = r * cols; i < (r + 1) * cols; ++i) {
          slope[i] = static_cast<float>(std::exp(0.7) * error[i]);
          squares += error[i] * error[i];
          g += 0.5 * (std::exp(0.7) * error[i] * error[i] - 1);
        }
        gradient += g;
        of_rows += g * g;
      }
      auto sum = on_device({squares});
      copy<float>(stream(), std::span(&log_precision, 1), tau.span());
      copy<float>(stream(), slope, slopes.span());
      copy<float>(stream(), start, out.span());
      apply(stream(),
            AddLogPrecisionGradient{tau.data(), sum.data(), static_cast<double>(rows * cols),
                                    out.data()},
            1);
      apply(stream(), AddLogPrecisionSquares{tau.data(), slopes.data(), rows, cols, out.data() + 1},
            1);
      std::vector<float> found(2);
      copy<float>(stream(), out.span(), found);
      EXPECT_NEAR(found[0], 1.5 + gradient, 1e-5 * (1 + std::abs(gradient)));
      EXPECT_NEAR(found[1], 0.25 + of_rows, 1e-5 * (1 + of_rows));
    }
  }
}

TEST_F(ElementwiseTest, StudentTWeightIsThatOfTheResolvedPrecision) {
  constexpr double kPrecision = 1.7;
  for (const std::size_t size : kAwkwardSizes) {
    const auto y = random_vector(size, 12, -5, 5), z = random_vector(size, 13),
               v = random_vector(size, 14, 0, 1), w = random_vector(size, 15, 0, 2);
    auto response = on_device(y), predictor = on_device(z), spread = on_device(v),
         row_weight = on_device(w);
    for (const double nu : {0.5, 4.0, 1e12, std::numeric_limits<double>::infinity()}) {
      for (const bool weighted : {false, true}) {
        auto weight = zeros(size), loss = zeros(size);
        apply(stream(),
              StudentTWeight{.inverse_degrees = 1.0 / nu,
                             .precision = kPrecision,
                             .y = response.data(),
                             .predictor = predictor.data(),
                             .spread = spread.data(),
                             .row_weight = weighted ? row_weight.data() : nullptr,
                             .weight = weight.data(),
                             .loss = loss.data()},
              size);
        std::vector<double> expected_weight(size), expected_loss(size);
        for (std::size_t i = 0; i < size; ++i) {
          const double row = weighted ? w[i] : 1.0;
          const long double r = y[i] - z[i], s = kPrecision * r * r + v[i], n = nu;
          const bool gaussian = std::isinf(nu);
          expected_weight[i] = static_cast<double>(gaussian ? row : row * (n + 1) / (n + s));
          expected_loss[i] =
              static_cast<double>(row * (gaussian ? s / 2 : (n + 1) / 2 * std::log1p(s / n)));
        }
        expect_near(weight.host(), expected_weight, 1e-14);
        expect_near(loss.host(), expected_loss, 1e-13);
      }
    }
  }
}

}  // namespace
}  // namespace bayesum::test
