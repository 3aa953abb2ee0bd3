#include "core/psis.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/core/files.hpp"

namespace bayesum {
namespace {

using testing::error_of;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// By inversion: ((1 - u)^-k - 1) sigma / k.
std::vector<double> generalized_pareto_draws(double k, double sigma, std::size_t count) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> draws(count);
  for (double& x : draws) {
    const double u = uniform(random);
    x = k == 0 ? -sigma * std::log(1.0 - u) : sigma / k * (std::pow(1.0 - u, -k) - 1.0);
  }
  std::ranges::sort(draws);
  return draws;
}

// The likelihood itself, maximised by brute force over a grid of (k, sigma).
GeneralizedPareto most_likely(const std::vector<double>& x) {
  GeneralizedPareto best;
  double largest = -kInfinity;
  for (double k = -0.9; k <= 2.0; k += 0.01) {
    if (std::abs(k) < 1e-9) continue;
    for (double log_sigma = -2.0; log_sigma <= 3.0; log_sigma += 0.02) {
      const double sigma = std::exp(log_sigma);
      double sum = 0;
      for (const double value : x) {
        const double base = 1.0 + k * value / sigma;
        sum += base > 0 ? -log_sigma - (1.0 / k + 1.0) * std::log(base) : -kInfinity;
      }
      if (sum > largest) {
        largest = sum;
        best = {k, sigma};
      }
    }
  }
  return best;
}

class KnownShape : public ::testing::TestWithParam<double> {};

TEST_P(KnownShape, IsRecoveredFromItsDraws) {
  const double k = GetParam();
  const auto x = generalized_pareto_draws(k, 2.5, 20000);
  const GeneralizedPareto fit = fit_generalized_pareto(x);
  // The asymptotic sd of the maximum likelihood estimate, (1 + k) / sqrt(n) for k > -1/2 (Smith,
  // Biometrika 72, 1985), four times, and the prior's pull.
  EXPECT_NEAR(fit.k, k, 4.0 * (1.0 + std::abs(k)) / std::sqrt(20000.0) + 1e-3);
  EXPECT_NEAR(fit.sigma, 2.5, 0.15);
}

TEST_P(KnownShape, HasTheQuantilesThatItsDistributionFunctionInverts) {
  const GeneralizedPareto gpd{GetParam(), 2.5};
  for (const double p : {0.01, 0.3, 0.5, 0.9, 0.999}) {
    const double x = gpd.quantile(p);
    const double tail =
        gpd.k == 0 ? std::exp(-x / gpd.sigma) : std::pow(1.0 + gpd.k * x / gpd.sigma, -1.0 / gpd.k);
    EXPECT_NEAR(1.0 - tail, p, 1e-12);
  }
}

TEST_P(KnownShape, IsCloseToTheMostLikelyOneButForThePrior) {
  for (const std::size_t size : {50, 200}) {
    const auto x = generalized_pareto_draws(GetParam(), 1.5, size);
    const double n = static_cast<double>(size);
    const double k = most_likely(x).k;
    // A posterior mean is not a mode: they may differ by a part of their standard error.
    EXPECT_NEAR(fit_generalized_pareto(x).k, (n * k + 5.0) / (n + 10.0),
                0.5 * (1.0 + std::abs(k)) / std::sqrt(n));
  }
}

INSTANTIATE_TEST_SUITE_P(Tails, KnownShape,
                         ::testing::Values(-0.4, -0.2, 0.0, 0.1, 0.5, 0.7, 1.0, 1.5));

// The estimator of Zhang and Stephens (Technometrics 51, 2009) word for word, in their k
// of the other sign, on a grid of 30 + sqrt(n) points, and then the prior of Vehtari et al. (JMLR
// 25, 2024, appendix), (n k + 10 * 0.5) / (n + 10), which sigma does not hear of.
GeneralizedPareto zhang_stephens(std::vector<double> x) {
  std::ranges::sort(x);
  const std::size_t n = x.size();
  const auto m = static_cast<std::size_t>(30 + std::floor(std::sqrt(static_cast<double>(n))));
  const double quartile = x.at(static_cast<std::size_t>(std::floor(n / 4.0 + 0.5)) - 1);
  const auto k_at = [&](double theta) {
    long double sum = 0;
    for (const double value : x) sum += std::log(1.0L - static_cast<long double>(theta) * value);
    return -sum / n;
  };
  std::vector<double> theta(m);
  std::vector<long double> l(m);
  for (std::size_t j = 1; j <= m; ++j) {
    const double root = std::sqrt(static_cast<double>(m) / (static_cast<double>(j) - 0.5));
    theta[j - 1] = 1.0 / x.back() + (1.0 - root) / (3.0 * quartile);
    const long double k = k_at(theta[j - 1]);
    l[j - 1] = n * (std::log(theta[j - 1] / k) + k - 1.0L);
  }
  long double mean = 0;
  for (std::size_t j = 0; j < m; ++j) {
    long double others = 0;
    for (std::size_t i = 0; i < m; ++i) others += std::exp(l[i] - l[j]);
    mean += theta[j] / others;
  }
  const long double k = k_at(static_cast<double>(mean));
  const auto count = static_cast<long double>(n);
  return {.k = static_cast<double>((count * -k + 5.0L) / (count + 10.0L)),
          .sigma = static_cast<double>(k / mean)};
}

TEST_P(KnownShape, IsThatOfZhangAndStephensUnderThePrior) {
  for (const std::size_t size : {5, 20, 95, 300}) {
    const auto x = generalized_pareto_draws(GetParam(), 1.5, size);
    const GeneralizedPareto expected = zhang_stephens(x), found = fit_generalized_pareto(x);
    EXPECT_NEAR(found.k, expected.k, 1e-10) << size;
    EXPECT_NEAR(found.sigma, expected.sigma, 1e-10 * expected.sigma) << size;
  }
}

// log ratios of a standard Gaussian target and draws of N(0, s^2 I), in so many dimensions.
std::vector<double> gaussian_log_ratios(double s, std::size_t dimension, std::size_t draws) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  std::vector<double> log_ratios(draws);
  for (double& log_ratio : log_ratios) {
    for (std::size_t j = 0; j < dimension; ++j) {
      const double z = normal(random);
      log_ratio += 0.5 * z * z * (1.0 - s * s) + std::log(s);
    }
  }
  return log_ratios;
}

// The ratio is r = exp(a |x|^2) with a = (1/s^2 - 1) / 2. In two dimensions |x|^2 / s^2 is
// exponential of mean 2, so P(r > t) = t^(-1 / (2 a s^2)): a Pareto tail of k = 2 a s^2 = 1 - s^2.
TEST(Psis, TheTailOfATooNarrowGaussianIsKnown) {
  for (const double s : {0.9, 0.7, 0.5, 0.3}) {
    const Psis psis = smooth_importance_ratios(gaussian_log_ratios(s, 2, 100000));
    const double tail = std::ceil(3.0 * std::sqrt(100000.0));
    const double k = 1.0 - s * s;
    EXPECT_NEAR(psis.k_hat, k, 4.0 * (1.0 + k) / std::sqrt(tail)) << "s = " << s;
    EXPECT_EQ(psis.reliable(), k < 0.7) << "s = " << s;
  }
}

TEST(Psis, IsThePapersStepByStep) {
  for (const double s : {0.9, 0.6, 1.2}) {
    const auto log_ratios = gaussian_log_ratios(s, 3, 1000);
    const Psis psis = smooth_importance_ratios(log_ratios);
    std::vector<double> weights;
    for (const double x : log_ratios) weights.push_back(std::exp(x));
    std::ranges::sort(weights);
    const double cutoff = weights[1000 - 95 - 1];  // ceil(min(1000 / 5, 3 sqrt(1000))) = 95
    std::vector<double> exceedances;
    for (std::size_t i = 905; i < 1000; ++i) exceedances.push_back(weights[i] - cutoff);
    const GeneralizedPareto fit = zhang_stephens(exceedances);
    EXPECT_NEAR(psis.k_hat, fit.k, 1e-9);
    const double largest = weights.back();
    double sum = 0;
    for (std::size_t i = 0; i < 1000; ++i) {
      if (i >= 905) {
        const double p = (static_cast<double>(i) - 905.0 + 0.5) / 95.0;
        weights[i] = cutoff + fit.sigma / fit.k * (std::pow(1.0 - p, -fit.k) - 1.0);
        weights[i] = std::min(weights[i], largest);
      }
      sum += weights[i];
    }
    std::vector<double> smoothed = psis.log_weights;
    std::ranges::sort(smoothed);
    for (std::size_t i = 0; i < 1000; ++i) {
      EXPECT_NEAR(std::exp(smoothed[i]), weights[i] / sum, 1e-9 * weights[i] / sum) << i;
    }
  }
}

// For s > 1 the ratio is largest at 0, where it falls short by b |x|^2: P(short by less than e) is
// about e^(D/2) times a constant, the bounded tail of k = -2 / D.
TEST(Psis, TheTailOfATooWideGaussianIsBounded) {
  for (const std::size_t dimension : {2, 3, 4}) {
    const Psis psis = smooth_importance_ratios(gaussian_log_ratios(1.3, dimension, 100000));
    EXPECT_NEAR(psis.k_hat, -2.0 / static_cast<double>(dimension), 0.1);
    EXPECT_TRUE(psis.reliable());
  }
}

TEST(Psis, OnlyTheTailIsSmoothedAndInItsOrder) {
  auto log_ratios = gaussian_log_ratios(0.6, 2, 1000);
  for (double& x : log_ratios) x -= 1e4;  // as unnormalised densities are
  const Psis psis = smooth_importance_ratios(log_ratios);
  std::vector<std::size_t> order(1000);
  for (std::size_t s = 0; s < 1000; ++s) order[s] = s;
  std::ranges::sort(order, {}, [&](std::size_t s) { return log_ratios[s]; });
  double sum = 0, squares = 0;
  for (const double weight : psis.log_weights) {
    sum += std::exp(weight);
    squares += std::exp(2 * weight);
  }
  EXPECT_NEAR(sum, 1.0, 1e-12);
  EXPECT_NEAR(psis.effective_draws, 1.0 / squares, 1e-9 / squares);
  const double shift = psis.log_weights[order[0]] - log_ratios[order[0]];
  for (std::size_t i = 0; i < 1000; ++i) {
    const double moved = psis.log_weights[order[i]] - log_ratios[order[i]] - shift;
    if (i < 905) {  // ceil(3 sqrt(1000)) = 95 are the tail
      EXPECT_NEAR(moved, 0.0, 1e-9);
    }
    if (i > 0) {
      EXPECT_GE(psis.log_weights[order[i]], psis.log_weights[order[i - 1]]);
    }
  }
  EXPECT_LE(psis.log_weights[order[999]], log_ratios[order[999]] + shift + 1e-9);
}

// What smoothing is for: estimates from weights of few moments vary less.
TEST(Psis, SmoothedWeightsEstimateAMomentOfTheTarget) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  const double s = 0.75;
  std::vector<double> x(20000), log_ratios;
  for (double& value : x) {
    value = s * normal(random);
    log_ratios.push_back(0.5 * value * value * (1.0 / (s * s) - 1.0));
  }
  const Psis psis = smooth_importance_ratios(log_ratios);
  double second_moment = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    second_moment += std::exp(psis.log_weights[i]) * x[i] * x[i];
  }
  EXPECT_NEAR(second_moment, 1.0, 0.05);  // 0.5625 without weights
}

TEST(Psis, EqualWeightsHaveNoTail) {
  std::vector<double> log_ratios(100, -321.5);
  for (std::size_t s = 0; s < 100; ++s) log_ratios[s] += 1e-11 * static_cast<double>(s % 7);
  const Psis psis = smooth_importance_ratios(log_ratios);
  EXPECT_EQ(psis.k_hat, -kInfinity);
  EXPECT_TRUE(psis.reliable());
  EXPECT_NEAR(psis.effective_draws, 100.0, 1e-6);
}

TEST(Psis, ATailThatCannotBeFittedIsNotTrusted) {
  std::vector<double> log_ratios(100, 0.0);
  log_ratios[13] = 50.0;
  EXPECT_EQ(smooth_importance_ratios(log_ratios).k_hat, kInfinity);
  for (std::size_t s = 0; s < 100; ++s) log_ratios[s] = 1000.0 * static_cast<double>(s);
  const Psis spread = smooth_importance_ratios(log_ratios);
  EXPECT_EQ(spread.k_hat, kInfinity);
  EXPECT_FALSE(spread.reliable());
  EXPECT_NEAR(spread.effective_draws, 1.0, 1e-12);
}

TEST(Psis, ADrawOfNoDensityWeighsNothing) {
  auto log_ratios = gaussian_log_ratios(0.8, 2, 500);
  log_ratios[3] = log_ratios[77] = -kInfinity;
  const Psis psis = smooth_importance_ratios(log_ratios);
  EXPECT_EQ(psis.log_weights[3], -kInfinity);
  EXPECT_TRUE(std::isfinite(psis.k_hat) && std::isfinite(psis.effective_draws));
}

TEST(Psis, ThresholdIsThePapers) {
  const auto threshold = [](std::size_t draws) {
    return smooth_importance_ratios(std::vector<double>(draws, 0.0)).threshold();
  };
  EXPECT_NEAR(threshold(100), 0.5, 1e-15);
  EXPECT_NEAR(threshold(1000), 1.0 - 1.0 / 3.0, 1e-15);
  EXPECT_EQ(threshold(10000), 0.7);
}

TEST(Psis, WhatIsNoNumberIsNamed) {
  auto log_ratios = gaussian_log_ratios(0.8, 2, 100);
  log_ratios[41] = std::nan("");
  EXPECT_EQ(error_of(ExitCode::kNumerical, [&] { smooth_importance_ratios(log_ratios); }),
            "draw 41 has a log importance ratio of nan");
  log_ratios[41] = kInfinity;
  EXPECT_EQ(error_of(ExitCode::kNumerical, [&] { smooth_importance_ratios(log_ratios); }),
            "draw 41 has a log importance ratio of inf");
  std::ranges::fill(log_ratios, -kInfinity);
  EXPECT_NE(error_of(ExitCode::kNumerical, [&] { smooth_importance_ratios(log_ratios); })
                .find("zero at every one of 100 draws"),
            std::string::npos);
  log_ratios.resize(24);
  EXPECT_NE(
      error_of(ExitCode::kUsage, [&] { smooth_importance_ratios(log_ratios); }).find("at least 25"),
      std::string::npos);
}

}  // namespace
}  // namespace bayesum
