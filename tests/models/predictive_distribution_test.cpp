#include "models/predictive_distribution.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/models/numerics.hpp"

namespace bayesum {
namespace {

using oracle::integral;
using oracle::normal_density;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double sigmoid(double z) {
  return z < 0 ? std::exp(z) / (1 + std::exp(z)) : 1 / (1 + std::exp(-z));
}

double poisson(double y, double z) { return std::exp(y * z - std::exp(z) - std::lgamma(y + 1)); }

// E[f(z)] under N(location, sd^2) by brute force.
template <class Function>
double brute_force(const Function& f, double location, double sd) {
  const auto integrand = [&](double t) { return normal_density(t, 0, 1) * f(location + sd * t); };
  return integral(integrand, -45, 45, 200000);
}

TEST(BernoulliPrediction, IsTheMixture) {
  for (const double location : {-30.0, -3.0, 0.0, 0.7, 9.0}) {
    for (const double sd : {0.01, 0.3, 1.0, 5.0, 40.0}) {
      SCOPED_TRACE(testing::Message() << "location " << location << " sd " << sd);
      const double one = brute_force(sigmoid, location, sd);
      const double zero = brute_force([](double z) { return sigmoid(-z); }, location, sd);
      const auto at_one = bernoulli_prediction(location, sd * sd, 1.0);
      const auto at_zero = bernoulli_prediction(location, sd * sd, 0.0);
      EXPECT_NEAR(at_one.log_density, std::log(one), 1e-11);
      EXPECT_NEAR(at_zero.log_density, std::log(zero), 1e-11);
      EXPECT_NEAR(at_one.mean, one, 1e-12);
      EXPECT_NEAR(at_one.sd, std::sqrt(one * zero), 1e-12);
      EXPECT_NEAR(at_one.cdf_below, zero, 1e-12);
      EXPECT_EQ(at_one.cdf, 1.0);
      EXPECT_EQ(at_zero.cdf_below, 0.0);
      EXPECT_NEAR(at_zero.cdf, zero, 1e-12);
    }
  }
}

TEST(BernoulliPrediction, IntervalHoldsWhatIsNotRare) {
  const auto even = bernoulli_prediction(0.0, 1.0, {});
  EXPECT_EQ(even.low, 0.0);
  EXPECT_EQ(even.high, 1.0);
  const auto rare = bernoulli_prediction(-4.0, 0.0, {});
  EXPECT_EQ(rare.high, 0.0);
  const auto common = bernoulli_prediction(4.0, 0.0, {});
  EXPECT_EQ(common.low, 1.0);
  EXPECT_TRUE(std::isnan(common.log_density));
}

TEST(BernoulliPrediction, HoldsAtTheExtremes) {
  EXPECT_NEAR(bernoulli_prediction(-800.0, 0.25, 1.0).log_density, -800.0 + 0.125, 1e-9);
  EXPECT_NEAR(bernoulli_prediction(0.0, 1e12, 1.0).mean, 0.5, 1e-3);
  const auto never = bernoulli_prediction(-kInfinity, 0.0, 0.0);  // a baseline that saw no 1
  EXPECT_EQ(never.log_density, 0.0);
  EXPECT_EQ(bernoulli_prediction(-kInfinity, 0.0, 1.0).log_density, -kInfinity);
}

TEST(PoissonPrediction, IsTheMixture) {
  for (const double location : {-4.0, 0.0, 1.5, 5.0}) {
    for (const double sd : {0.02, 0.3, 1.0, 2.5}) {
      for (const double y : {0.0, 1.0, 7.0, 150.0}) {
        SCOPED_TRACE(testing::Message() << "location " << location << " sd " << sd << " y " << y);
        const double density = brute_force([y](double z) { return poisson(y, z); }, location, sd);
        if (density < 1e-290) continue;  // beyond what brute force can hold
        const auto prediction = poisson_prediction(location, sd * sd, y);
        EXPECT_NEAR(prediction.log_density, std::log(density), 1e-10);
        EXPECT_NEAR(prediction.cdf - prediction.cdf_below, density, 1e-10);
      }
    }
  }
}

TEST(PoissonPrediction, DistributionFunctionMomentsAndQuantilesAreOfTheDensity) {
  for (const double sd : {0.0, 0.2, 0.6}) {
    SCOPED_TRACE(testing::Message() << "sd " << sd);
    const double location = 1.2;
    const auto any = poisson_prediction(location, sd * sd, {});
    double below = 0, mean = 0, square = 0;
    for (double k = 0; k < 400; ++k) {
      const auto prediction = poisson_prediction(location, sd * sd, k);
      const double density = std::exp(prediction.log_density);
      EXPECT_NEAR(prediction.cdf_below, below, 1e-10);
      EXPECT_NEAR(prediction.cdf, below + density, 1e-10);
      EXPECT_EQ(k == any.low, below < 0.05 && below + density >= 0.05);
      EXPECT_EQ(k == any.high, below < 0.95 && below + density >= 0.95);
      below += density;
      mean += k * density;
      square += k * k * density;
    }
    EXPECT_NEAR(below, 1.0, 1e-10);
    EXPECT_NEAR(any.mean, mean, 1e-9);
    EXPECT_NEAR(any.sd, std::sqrt(square - mean * mean), 1e-8);
    EXPECT_LT(any.low, any.high);
  }
}

TEST(PoissonPrediction, HoldsAtTheExtremes) {
  // Rates so small that e^-rate = 1: E[e^{5z}] / 5! in closed form.
  EXPECT_NEAR(poisson_prediction(-200.0, 1.0, 5.0).log_density,
              5 * -200.0 + 25 * 0.5 - std::log(120.0), 1e-8);
  // Large counts, where Poisson and mixture are nearly normal: the quantiles of e^z rule.
  const auto large = poisson_prediction(13.0, 0.01, 450000.0);
  EXPECT_NEAR(std::log(large.low), 13.0 - 1.6448536 * 0.1, 1e-3);
  EXPECT_NEAR(std::log(large.high), 13.0 + 1.6448536 * 0.1, 1e-3);
  EXPECT_NEAR(large.cdf,
              integral([](double z) { return normal_density(z, 13.0, 0.01); }, 12.0,
                       std::log(450000.0), 10000),
              1e-4);
  // A mode far from the middle of a wide z.
  const double far = brute_force([](double z) { return poisson(2853, z); }, 2.164, 3.77);
  EXPECT_NEAR(poisson_prediction(2.164, 3.77 * 3.77, 2853.0).log_density, std::log(far), 1e-8);
  const auto impossible = poisson_prediction(800.0, 1.0, 0.0);
  EXPECT_TRUE(std::isfinite(impossible.log_density));
  EXPECT_LT(impossible.log_density, -1e5);
  const auto never = poisson_prediction(-kInfinity, 0.0, 0.0);  // a baseline that saw no event
  EXPECT_EQ(never.log_density, 0.0);
  EXPECT_EQ(never.high, 0.0);
  EXPECT_EQ(poisson_prediction(-kInfinity, 0.0, 2.0).log_density, -kInfinity);
}

double negative_binomial(double y, double r, double z) {
  return std::exp(std::lgamma(y + r) - std::lgamma(r) - std::lgamma(y + 1) -
                  r * std::log1p(std::exp(z) / r) - y * std::log1p(r * std::exp(-z)));
}

TEST(NegativeBinomialPrediction, IsTheMixture) {
  for (const double r : {0.3, 2.5, 80.0}) {
    for (const double location : {-4.0, 0.0, 1.5, 5.0}) {
      for (const double sd : {0.02, 0.3, 1.0, 2.5}) {
        for (const double y : {0.0, 1.0, 7.0, 150.0}) {
          SCOPED_TRACE(testing::Message()
                       << "r " << r << " location " << location << " sd " << sd << " y " << y);
          const double density =
              brute_force([&](double z) { return negative_binomial(y, r, z); }, location, sd);
          if (density < 1e-290) continue;
          const auto prediction = negative_binomial_prediction(location, sd * sd, r, y);
          EXPECT_NEAR(prediction.log_density, std::log(density), 1e-10);
          EXPECT_NEAR(prediction.cdf - prediction.cdf_below, density, 1e-10);
        }
      }
    }
  }
}

TEST(NegativeBinomialPrediction, DistributionFunctionMomentsAndQuantilesAreOfTheDensity) {
  for (const double sd : {0.0, 0.2, 0.6}) {
    SCOPED_TRACE(testing::Message() << "sd " << sd);
    const double location = 0.7, r = 3.0;
    const auto any = negative_binomial_prediction(location, sd * sd, r, {});
    double below = 0, mean = 0, square = 0;
    for (double k = 0; k < 1500; ++k) {
      const auto prediction = negative_binomial_prediction(location, sd * sd, r, k);
      const double density = std::exp(prediction.log_density);
      EXPECT_NEAR(prediction.cdf_below, below, 1e-9);
      EXPECT_NEAR(prediction.cdf, below + density, 1e-9);
      EXPECT_EQ(k == any.low, below < 0.05 && below + density >= 0.05);
      EXPECT_EQ(k == any.high, below < 0.95 && below + density >= 0.95);
      below += density;
      mean += k * density;
      square += k * k * density;
    }
    EXPECT_NEAR(any.mean, mean, 1e-8);
    EXPECT_NEAR(any.sd, std::sqrt(square - mean * mean), 1e-6);
  }
}

// A large dispersion leaves the Poisson distribution.
TEST(NegativeBinomialPrediction, TendsToThePoisson) {
  for (const double sd : {0.0, 0.3, 1.2}) {
    const auto wide = negative_binomial_prediction(1.4, sd * sd, 1e8, 6.0);
    const auto limit = poisson_prediction(1.4, sd * sd, 6.0);
    EXPECT_NEAR(wide.log_density, limit.log_density, 1e-6);
    EXPECT_NEAR(wide.cdf, limit.cdf, 1e-6);
    EXPECT_NEAR(wide.sd, limit.sd, 1e-6);
    EXPECT_EQ(wide.low, limit.low);
    EXPECT_EQ(wide.high, limit.high);
  }
}

TEST(NegativeBinomialPrediction, HoldsAtTheExtremes) {
  const auto never = negative_binomial_prediction(-kInfinity, 0.0, 2.0, 0.0);
  EXPECT_EQ(never.log_density, 0.0);
  EXPECT_EQ(never.high, 0.0);
  EXPECT_EQ(negative_binomial_prediction(-kInfinity, 0.0, 2.0, 3.0).log_density, -kInfinity);
  EXPECT_TRUE(std::isfinite(negative_binomial_prediction(300.0, 1.0, 0.5, 0.0).log_density));
  const auto small = negative_binomial_prediction(0.0, 0.01, 1e-3, 0.0);
  EXPECT_EQ(small.low, 0.0);
  EXPECT_GT(small.cdf, 0.99);
}

TEST(ProbitPrediction, IsTheMixture) {
  for (const double location : {-6.0, -1.0, 0.0, 2.5}) {
    for (const double sd : {0.02, 0.7, 3.0}) {
      const auto phi = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
      const double one = brute_force(phi, location, sd);
      const auto prediction = probit_prediction(location, sd * sd, 1.0);
      EXPECT_NEAR(prediction.mean, one, 1e-12);
      EXPECT_NEAR(prediction.log_density, std::log(one), 1e-9);
      EXPECT_NEAR(prediction.cdf_below, 1.0 - one, 1e-12);
      EXPECT_NEAR(probit_prediction(location, sd * sd, 0.0).cdf, 1.0 - one, 1e-12);
    }
  }
  // log Phi(-50) by its asymptotic series.
  const double x = 50.0;
  const double tail = -0.5 * x * x - std::log(x * std::sqrt(2.0 * std::numbers::pi)) +
                      std::log1p(-1 / (x * x) + 3 / std::pow(x, 4));
  EXPECT_NEAR(probit_prediction(-x, 0.0, 1.0).log_density, tail, 1e-8);
}

TEST(StudentTPrediction, DensityAndDistributionFunctionAgree) {
  for (const double nu : {1.5, 3.0, 40.0, 1e7, kInfinity}) {
    SCOPED_TRACE(testing::Message() << "degrees of freedom " << nu);
    const double location = -2.0, scale = 3.0;
    const auto density = [&](double y) {
      return std::exp(student_t_prediction(location, scale, nu, y).log_density);
    };
    const auto cdf = [&](double y) { return student_t_prediction(location, scale, nu, y).cdf; };
    const auto any = student_t_prediction(location, scale, nu, {});
    EXPECT_NEAR(integral(density, any.low, any.high, 2000), 0.9, 1e-9);
    EXPECT_NEAR(integral(density, location, location + 5.0, 2000), cdf(location + 5.0) - 0.5, 1e-9);
    EXPECT_NEAR(cdf(any.low), 0.05, 1e-10);
    EXPECT_EQ(any.mean, location);
    if (nu < 2) {
      EXPECT_EQ(any.sd, kInfinity);
    } else if (nu > 10) {
      const auto square = [&](double y) { return (y - location) * (y - location) * density(y); };
      EXPECT_NEAR(any.sd, std::sqrt(integral(square, -120, 120, 20000)), 1e-6);
    }
  }
}

// The density of a response given log tau and log u alone is normal: everything is integrated out
// by brute force. tau ~ Gamma(a, b), coefficients with x' Lambda^-1 x = v.
double robust_density(double r, double v, double a, double b, double nu) {
  return integral(
      [&](double log_tau) {
        const double tau = std::exp(log_tau);
        return oracle::log_gamma_density(log_tau, a, b) *
               integral(
                   [&](double log_u) {
                     return oracle::log_gamma_density(log_u, nu / 2, nu / 2) *
                            normal_density(r, 0, (v + std::exp(-log_u)) / tau);
                   },
                   -60 / nu - 4, 5, 1200);
      },
      -20, 6, 1000);
}

TEST(ScaleMixturePrediction, IsTheMixture) {
  for (const double nu : {1.5, 4.0, 30.0}) {
    for (const auto& [a, b, v] : {std::array{3.0, 2.0, 0.4}, std::array{40.0, 60.0, 0.0}}) {
      for (const double r : {0.0, 1.3, -25.0}) {
        SCOPED_TRACE(testing::Message() << "nu " << nu << " a " << a << " r " << r);
        const auto prediction = scale_mixture_prediction({.location = 2.0,
                                                          .squared_scale = b / a * v,
                                                          .noise = b / a,
                                                          .degrees = 2 * a,
                                                          .degrees_of_freedom = nu},
                                                         2.0 + r);
        EXPECT_NEAR(prediction.log_density, std::log(robust_density(r, v, a, b, nu)), 1e-9);
        EXPECT_EQ(prediction.mean, 2.0);
        EXPECT_NEAR(prediction.low + prediction.high, 4.0, 1e-12);
        if (nu > 2) {
          EXPECT_NEAR(prediction.sd * prediction.sd, b / (a - 1) * (v + nu / (nu - 2)), 1e-12);
        } else {
          EXPECT_EQ(prediction.sd, kInfinity);
        }
      }
    }
  }
}

TEST(ScaleMixturePrediction, IntervalAndDistributionAreThoseOfTheDensity) {
  for (const double nu : {0.7, 3.0, 200.0}) {
    const ScaleMixture of{
        .squared_scale = 0.3, .noise = 2.0, .degrees = 9, .degrees_of_freedom = nu};
    const auto at = [&](double y) { return scale_mixture_prediction(of, y); };
    const auto density = [&](double y) { return std::exp(at(y).log_density); };
    const auto here = at(-0.8);
    EXPECT_NEAR(at(here.low).cdf, 0.05, 1e-12);
    EXPECT_NEAR(at(here.high).cdf, 0.95, 1e-12);
    EXPECT_NEAR(here.cdf - at(-3.0).cdf, integral(density, -3.0, -0.8, 200), 1e-9);
    EXPECT_EQ(here.cdf, here.cdf_below);
  }
}

// Far out the tail is a power of the distance, down to densities that a double cannot hold.
TEST(ScaleMixturePrediction, HoldsAtTheExtremes) {
  const ScaleMixture of{
      .squared_scale = 0.3, .noise = 2.0, .degrees = 900, .degrees_of_freedom = 4};
  const double far = scale_mixture_prediction(of, 1e60).log_density;
  const double farther = scale_mixture_prediction(of, 1e61).log_density;
  EXPECT_NEAR(farther - far, -5.0 * std::log(10.0), 1e-9);
  ScaleMixture limit = of;
  limit.degrees_of_freedom = kInfinity;
  const auto t = student_t_prediction(0, std::sqrt(2.3), 900, 1.1);
  EXPECT_EQ(scale_mixture_prediction(limit, 1.1).log_density, t.log_density);
  limit.degrees_of_freedom = 1e8;
  const auto nearly = scale_mixture_prediction(limit, 1.1);
  EXPECT_NEAR(nearly.log_density, t.log_density, 1e-7);
  EXPECT_NEAR(nearly.high, t.high, 1e-7);
}

}  // namespace
}  // namespace bayesum
