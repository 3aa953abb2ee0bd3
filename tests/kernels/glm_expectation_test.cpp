#include "kernels/glm_expectation.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numbers>

#include "tests/kernels/glm_oracle.hpp"

namespace bayesum::test {
namespace {

template <int kPairs>
double moment(const PairedRule<kPairs>& rule, int power) {
  double sum = 0.0;
  for (int k = 0; k < kPairs; ++k) sum += 2.0 * rule.weight[k] * std::pow(rule.node[k], power);
  return sum;
}

TEST(Quadrature, RulesHaveTheMomentsOfTheirDistributions) {
  const QuadratureRules& rules = quadrature_rules();
  double normal = 1.0;  // (power - 1)!!
  for (int power = 0; power <= 38; power += 2) {
    EXPECT_NEAR(moment(rules.hermite20, power) / normal, 1.0, 1e-11) << power;
    EXPECT_NEAR(moment(rules.hermite64, power) / normal, 1.0, 1e-11) << power;
    normal *= power + 1;
  }
  const double pi2 = std::numbers::pi * std::numbers::pi;
  const double logistic[] = {1.0, pi2 / 3.0, 7.0 * pi2 * pi2 / 15.0, 31.0 * pi2 * pi2 * pi2 / 21.0};
  for (int half = 0; half < 4; ++half) {
    EXPECT_NEAR(moment(rules.logistic20, 2 * half) / logistic[half], 1.0, 1e-12) << half;
  }
}

const double kMeans[] = {-40.0, -10.0, -2.0, -0.3, 0.0, 1e-9, 0.7, 3.0, 6.5, 12.0, 50.0};
const double kVariances[] = {0.0,    1e-300, 1e-30, 1e-12, 1e-6, 0.01, 0.5, 1.0,
                             1.0001, 4.0,    8.99,  9.01,  25.0, 900., 1e4, 1e6};

TEST(GlmExpectationTest, LogisticAgreesWithTheTrapezoidalRule) {
  for (const double mean : kMeans) {
    for (const double variance : kVariances) {
      for (const double y : {0.0, 1.0}) {
        const auto actual = glm_expectation(LogisticLoss{}, y, mean, variance, quadrature_rules());
        const auto expected = expectation_oracle<LogisticOracle>(y, mean, variance);
        const auto place = ::testing::Message() << "mean " << mean << " variance " << variance;
        EXPECT_NEAR(actual.loss, expected.loss, 2e-7 + 1e-14 * std::fabs(expected.loss)) << place;
        EXPECT_NEAR(actual.gradient, expected.gradient, 2e-7) << place;
        EXPECT_NEAR(actual.curvature, expected.curvature, 1e-6 * expected.curvature + 1e-8)
            << place;
      }
    }
  }
}

// Where the posterior is narrow, as it is once there are data, the rules are exact to rounding even
// in the tail of the sigmoid.
TEST(GlmExpectationTest, NarrowLogisticIsExactInTheTails) {
  for (const double mean : {-600.0, -40.0, -5.0, 0.0, 1e-9, 5.0, 40.0, 600.0}) {
    for (const double variance : {0.0, 1e-30, 1e-16, 1e-12, 1e-8, 1e-4, 0.01, 0.04}) {
      const double y = mean > 0.0 ? 1.0 : 0.0;
      const auto actual = glm_expectation(LogisticLoss{}, y, mean, variance, quadrature_rules());
      const auto expected = expectation_oracle<LogisticOracle>(y, mean, variance);
      const auto place = ::testing::Message() << "mean " << mean << " variance " << variance;
      EXPECT_NEAR(actual.loss / expected.loss, 1.0, 2e-12) << place;
      EXPECT_NEAR(actual.gradient / expected.gradient, 1.0, 2e-12) << place;
      EXPECT_NEAR(actual.curvature / expected.curvature, 1.0, 2e-12) << place;
    }
  }
}

TEST(GlmExpectationTest, FarOutTheLogisticIsFinite) {
  for (const double mean : {-1e308, -1e4, 1e4, 1e308}) {
    for (const double variance : {0.0, 1e-8, 1.0, 4.0, 1e3, 1e300}) {
      const auto actual = glm_expectation(LogisticLoss{}, mean > 0.0 ? 1.0 : 0.0, mean, variance,
                                          quadrature_rules());
      EXPECT_TRUE(std::isfinite(actual.loss)) << mean << " " << variance;
      EXPECT_LE(std::fabs(actual.gradient), 1.0 + 1e-12);
      EXPECT_GE(actual.curvature, 0.0);
      EXPECT_LE(actual.curvature, 0.25);
    }
  }
}

TEST(GlmExpectationTest, PoissonAgreesWithTheTrapezoidalRule) {
  for (const double mean : {-30.0, -3.0, 0.0, 0.5, 4.0, 20.0}) {
    for (const double variance : {0.0, 1e-30, 1e-6, 0.1, 1.0, 4.0}) {
      for (const double y : {0.0, 1.0, 2.0, 19.0, 20.0, 21.0, 1000.0}) {
        const auto actual = glm_expectation(PoissonLoss{}, y, mean, variance, quadrature_rules());
        const auto expected = expectation_oracle<PoissonOracle>(y, mean, variance);
        const double scale = y * (1.0 + std::fabs(mean)) + expected.curvature + 1.0;
        EXPECT_NEAR(actual.loss, expected.loss, 1e-12 * scale + 1e-12 * std::lgamma(y + 1.0));
        EXPECT_NEAR(actual.gradient, expected.gradient, 1e-12 * scale);
        EXPECT_NEAR(actual.curvature / expected.curvature, 1.0, 1e-12);
      }
    }
  }
}

TEST(GlmExpectationTest, LogFactorialIsThatOfTheLibrary) {
  for (double y = 0.0; y < 1e7; y = y < 200.0 ? y + 1.0 : std::floor(y * 1.7)) {
    const double expected = std::lgamma(y + 1.0);
    EXPECT_NEAR(log_factorial(y), expected, 1e-14 * std::max(1.0, expected)) << y;
  }
}

TEST(GlmExpectationTest, AnAbsurdPoissonRateIsInfinite) {
  const auto actual = glm_expectation(PoissonLoss{}, 3.0, 700.0, 1e4, quadrature_rules());
  EXPECT_EQ(actual.loss, std::numeric_limits<double>::infinity());
  EXPECT_EQ(actual.curvature, std::numeric_limits<double>::infinity());
}

// f = -log Phi with its derivatives, in extended precision.
struct LongProbit {
  long double loss, slope, curvature;

  explicit LongProbit(long double t) {
    const long double root_two_pi = std::sqrt(2.0L * std::numbers::pi_v<long double>);
    const long double cdf = 0.5L * std::erfc(-t / std::sqrt(2.0L));
    slope = std::exp(-0.5L * t * t) / root_two_pi / cdf;
    loss = t > 0 ? -std::log1p(-0.5L * std::erfc(t / std::sqrt(2.0L))) : -std::log(cdf);
    curvature = slope * (slope + t);
  }
};

TEST(GlmExpectationTest, ProbitPointsAreThoseOfExtendedPrecision) {
  for (double t = -100.0; t < 12.0; t += 0.037) {
    const LongProbit expected(t);
    const auto actual = ProbitLoss::point(t);
    EXPECT_NEAR(actual.loss / static_cast<double>(expected.loss), 1.0, 1e-13) << t;
    EXPECT_NEAR(actual.slope / static_cast<double>(expected.slope), 1.0, 1e-13) << t;
    EXPECT_NEAR(actual.curvature / static_cast<double>(expected.curvature), 1.0, 1e-11) << t;
  }
}

// What the header promises.
TEST(GlmExpectationTest, ProbitAgreesWithTheTrapezoidalRule) {
  for (const double mean : {-40.0, -17.0, -4.0, -0.6, 0.0, 1.3, 3.0, 8.0, 40.0}) {
    for (const double sd :
         {1e-9, 1e-3, 0.04, 0.06, 0.5, 1.0, 1.001, 1.9, 2.0, 2.1, 3.1, 6.3, 13.0, 30.0, 64.0}) {
      if (std::fabs(mean) + 9.0 * sd > 140.0) continue;  // where the reference underflows
      const long double step = std::min(0.25, 0.2 / sd);
      long double loss = 0, gradient = 0, curvature = 0;
      for (long double x = -9; x <= 9; x += step) {
        const LongProbit at(mean + sd * x);
        const long double weight =
            std::exp(-x * x / 2) * step / std::sqrt(2.0L * std::numbers::pi_v<long double>);
        loss += weight * at.loss;
        gradient -= weight * at.slope;
        curvature += weight * at.curvature;
      }
      const auto place = ::testing::Message() << "mean " << mean << " sd " << sd;
      const auto one = glm_expectation(ProbitLoss{}, 1.0, mean, sd * sd, quadrature_rules());
      EXPECT_NEAR(one.loss, static_cast<double>(loss), 3e-10 + 1e-14 * one.loss) << place;
      EXPECT_NEAR(one.gradient, static_cast<double>(gradient), 2e-9) << place;
      EXPECT_NEAR(one.curvature, static_cast<double>(curvature), 4e-9) << place;
      const auto zero = glm_expectation(ProbitLoss{}, 0.0, -mean, sd * sd, quadrature_rules());
      EXPECT_EQ(zero.loss, one.loss);
      EXPECT_EQ(zero.gradient, -one.gradient);
      EXPECT_EQ(zero.curvature, one.curvature);
    }
  }
}

TEST(GlmExpectationTest, NegativeBinomialAgreesWithTheTrapezoidalRule) {
  const NegativeBinomialLoss loss(NegativeBinomialOracle::kDispersion);
  for (const double mean : {-20.0, -3.0, 0.0, 0.9, 4.0, 20.0}) {
    for (const double variance : {0.0, 1e-12, 0.1, 1.0, 4.0, 25.0}) {
      for (const double y : {0.0, 1.0, 2.0, 19.0, 20.0, 21.0, 1000.0}) {
        const auto actual = glm_expectation(loss, y, mean, variance, quadrature_rules());
        const auto expected = expectation_oracle<NegativeBinomialOracle>(y, mean, variance);
        const double trials = y + NegativeBinomialOracle::kDispersion;
        EXPECT_NEAR(actual.loss, expected.loss, (2e-7 + 1e-13 * std::fabs(mean)) * trials);
        EXPECT_NEAR(actual.gradient, expected.gradient, 2e-7 * trials);
        EXPECT_NEAR(actual.curvature, expected.curvature,
                    1e-6 * expected.curvature + 1e-8 * trials);
      }
    }
  }
}

TEST(GlmExpectationTest, RisingFactorialsAreThoseOfTheLibrary) {
  for (const double r : {1e-3, 0.5, 1.0, 3.7, 19.0, 250.0, 1e8}) {
    for (double y = 0.0; y < 1e6; y = y < 60.0 ? y + 1.0 : std::floor(y * 1.9)) {
      const long double expected =
          std::lgamma(static_cast<long double>(r) + y) - std::lgamma(static_cast<long double>(r));
      const double size = std::max(1.0, std::fabs(static_cast<double>(expected)));
      EXPECT_NEAR(NegativeBinomialLoss::log_rising(r, y), static_cast<double>(expected),
                  1e-13 * size + 1e-18 * r * std::log(r + 1.0))
          << r << " " << y;
    }
  }
}

// Gradient and curvature are derivatives of the loss as computed, quadrature error included.
template <class Loss>
void expect_derivatives(const Loss& of_row, double y, double mean, double variance) {
  const QuadratureRules& rules = quadrature_rules();
  const auto loss = [&](double m, double v) {
    return glm_expectation(of_row, y, m, v, rules).loss;
  };
  const auto actual = glm_expectation(of_row, y, mean, variance, rules);
  // Fourth-order central differences.
  const auto slope = [](const auto& f, double step) {
    return (8.0 * (f(step) - f(-step)) - (f(2.0 * step) - f(-2.0 * step))) / (12.0 * step);
  };
  const double tolerance = 1e-9 * (1.0 + std::fabs(actual.loss) + actual.curvature);
  const double in_mean = slope([&](double t) { return loss(mean + t, variance); }, 1e-3);
  const double step = 1e-3 * variance;
  const double in_variance = slope([&](double t) { return loss(mean, variance + t); }, step);
  EXPECT_NEAR(actual.gradient, in_mean, tolerance) << mean << " " << variance;
  EXPECT_NEAR(actual.curvature, 2.0 * in_variance, tolerance / std::min(1.0, 10.0 * variance))
      << mean << " " << variance;
}

TEST(GlmExpectationTest, GradientAndCurvatureAreDerivativesOfTheLoss) {
  for (const double mean : {-7.0, -1.3, 0.4, 2.0, 6.0}) {
    for (const double variance : {0.05, 0.7, 2.0, 8.0, 10.0, 100.0}) {
      for (const double y : {0.0, 1.0}) expect_derivatives(LogisticLoss{}, y, mean, variance);
    }
    for (const double variance : {0.05, 0.7, 2.0}) {
      for (const double y : {0.0, 5.0}) expect_derivatives(PoissonLoss{}, y, mean, variance);
    }
    for (const double variance : {0.05, 0.7, 2.0, 8.0, 11.0, 100.0}) {
      for (const double y : {0.0, 1.0}) expect_derivatives(ProbitLoss{}, y, mean, variance);
      for (const double y : {0.0, 5.0}) {
        expect_derivatives(NegativeBinomialLoss(3.0), y, mean, variance);
      }
    }
  }
}

}  // namespace
}  // namespace bayesum::test
