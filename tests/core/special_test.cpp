#include "core/families/special.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/families/dirichlet.hpp"

namespace bayesum {
namespace {

using Real = long double;

// digamma in extended precision: up by its recurrence to where its asymptotic series is exact.
Real digamma(Real x) {
  Real sum = 0;
  for (; x < 40; ++x) sum -= 1 / x;
  const Real s = 1 / (x * x);
  return sum + std::log(x) - 1 / (2 * x) -
         s * (1 / 12.0L - s * (1 / 120.0L - s * (1 / 252.0L - s * (1 / 240.0L - s / 132.0L))));
}

TEST(Special, InverseDigammaUndoesDigamma) {
  for (double x = 1e-6; x < 1e12; x *= 3.7) {
    const auto y = static_cast<double>(digamma(x));
    // What the rounding of y means for x.
    const double slope = special::trigamma(x);
    EXPECT_NEAR(special::inverse_digamma(y), x, 4e-16 * (x + 4.0 * std::abs(y) / slope)) << x;
  }
}

// The gap is far smaller than the logarithm and the digamma it is the difference of; beyond 1e5 too
// small for the oracle.
TEST(Special, GammaShapeIsFoundFromItsGap) {
  for (double a = 1e-4; a < 1e5; a *= 2.9) {
    const auto gap = static_cast<double>(std::log(Real(a)) - digamma(a));
    EXPECT_NEAR(special::gamma_shape(gap), a, 1e-13 * a) << a;
  }
}

TEST(Special, WishartDegreesAreFoundFromTheirGap) {
  for (const std::size_t d : {1, 2, 7, 40}) {
    for (double excess = 1e-3; excess < 1e5; excess *= 5.3) {
      const double n = static_cast<double>(d) - 1.0 + excess;
      Real gap = Real(d) * std::log(Real(n) / 2);
      for (std::size_t i = 0; i < d; ++i) gap -= digamma((Real(n) - Real(i)) / 2);
      EXPECT_NEAR(special::wishart_degrees(static_cast<double>(gap), d), n, 1e-12 * n)
          << n << " in " << d;
    }
  }
}

TEST(Special, MultivariateGammaIsItsDefinition) {
  Real log_gamma = 3 * std::log(3.14159265358979323846264338327950288L), slope = 0;
  for (int i = 0; i < 4; ++i) {
    log_gamma += std::lgamma(5.3L - i / 2.0L);
    slope += digamma(5.3L - i / 2.0L);
  }
  EXPECT_NEAR(special::log_multivariate_gamma(5.3, 4), static_cast<double>(log_gamma), 1e-13);
  EXPECT_NEAR(special::multivariate_digamma(5.3, 4), static_cast<double>(slope), 1e-13);
}

// The shapes of a Dirichlet whose sum is badly determined by its mean statistic: rounding of the
// latter by epsilon moves alpha by about alpha sum(alpha) / K epsilon.
TEST(Special, DirichletShapesGiveBackTheirMeans) {
  for (const std::size_t levels : {2, 3, 50, 10000}) {
    for (const double scale : {1e-2, 1.0, 1e3}) {
      std::vector<double> alpha(levels), log_mean(levels), found(levels);
      for (std::size_t k = 0; k < levels; ++k) {
        alpha[k] = scale * (0.2 + std::abs(std::sin(static_cast<double>(k + 1))));
      }
      const double total = std::accumulate(alpha.begin(), alpha.end(), 0.0);
      for (std::size_t k = 0; k < levels; ++k) {
        log_mean[k] = static_cast<double>(digamma(alpha[k]) - digamma(total));
      }
      special::dirichlet_shapes(log_mean, found);
      for (std::size_t k = 0; k < levels; ++k) {
        EXPECT_NEAR(found[k], alpha[k], 1e-12 * alpha[k] * (1.0 + scale)) << levels << " " << scale;
      }
    }
  }
}

TEST(Special, DrawOfAGammaOfSmallShapeDoesNotUnderflow) {
  // P(log G < y) is about e^(a y) for a small shape a.
  for (const double u : {1e-8, 0.1, 0.9}) {
    const double draw = special::log_gamma_draw(0.5, u, 1e-4);
    EXPECT_NEAR(draw, std::log(special::gamma_quantile(0.5, 1.0001)) + 1e4 * std::log(u), 1e-6);
  }
  EXPECT_NEAR(std::exp(special::log_gamma_draw(0.3, 0.5, 2.5)), special::gamma_quantile(0.3, 2.5),
              1e-14);
}

TEST(Special, PoissonQuantileInvertsTheDistribution) {
  for (const double rate : {0.0, 0.01, 3.0, 250.0}) {
    for (const double p : {1e-9, 0.02, 0.5, 0.97, 1.0 - 1e-9}) {
      const double k = special::poisson_quantile(p, rate);
      EXPECT_EQ(k, std::floor(k));
      EXPECT_GE(special::poisson_cdf(k, rate), p * (1.0 - 1e-12));
      if (k > 0) {
        EXPECT_LT(special::poisson_cdf(k - 1.0, rate), p * (1.0 + 1e-12));
      }
    }
  }
}

// Ten thousand levels: a draw, and the way back from expectation parameters, take a part of a
// second.
TEST(Special, ADirichletOfManyLevelsIsNotSlow) {
  const auto family = make_dirichlet(10000);
  std::vector<double> natural(10000, -0.7), theta(10000), mean(10000), back(10000);
  const auto start = std::chrono::steady_clock::now();
  family->sample(natural, {.seed = 1}, theta);
  const auto drawn = std::chrono::steady_clock::now();
  family->mean_from_natural(natural, mean);
  family->natural_from_mean(mean, back);
  const std::chrono::duration<double> draw = drawn - start;
  const std::chrono::duration<double> inverse = std::chrono::steady_clock::now() - drawn;
  EXPECT_NEAR(std::accumulate(theta.begin(), theta.end(), 0.0), 1.0, 1e-12);
  for (std::size_t k = 0; k < back.size(); ++k) EXPECT_NEAR(back[k], natural[k], 1e-11);
  RecordProperty("draw_ms", std::to_string(1e3 * draw.count()));
  RecordProperty("inverse_ms", std::to_string(1e3 * inverse.count()));
  EXPECT_LT(draw.count() + inverse.count(), 20.0);
}

}  // namespace
}  // namespace bayesum
