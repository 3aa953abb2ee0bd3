#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/error.hpp"
#include "tests/laws/families.hpp"

namespace bayesum::laws {
namespace {

using oracle::Matrix;
using oracle::Real;
using oracle::Vector;

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

class FamilyLaw : public ::testing::TestWithParam<FamilyMember> {
 protected:
  const FamilyMember& member = GetParam();
  const Family& family = *member.family;
  const std::vector<double>& natural = member.natural;
  std::size_t size = family.size();

  std::vector<double> mean_of(std::span<const double> lambda) const {
    std::vector<double> mean(size);
    family.mean_from_natural(lambda, mean);
    return mean;
  }

  std::vector<double> statistic(std::span<const double> theta) const {
    std::vector<double> t(size);
    family.sufficient_statistic(theta, t);
    return t;
  }

  // Covariance of T as the second derivative of A, whose differences are all there is to it.
  Matrix fisher() const {
    const std::vector<double> values = fisher_information(family, natural);
    Matrix f(size);
    std::ranges::copy(values, f.values.begin());
    return f;
  }

  // The natural parameters moved by `standard deviations` of the statistic, in random directions.
  std::vector<double> moved(double deviations, unsigned seed) const {
    const Matrix f = fisher();
    std::vector<double> lambda = natural;
    for (std::size_t j = 0; j < size; ++j) {
      const double sign = (seed >> (j % 16) & 1) != 0 ? 1.0 : -1.0;
      lambda[j] += sign * deviations / std::sqrt(static_cast<double>(f(j, j)) * double(size));
    }
    return lambda;
  }

  template <class Visit>
  void draw(std::uint32_t draws, const Visit& visit) const {
    std::vector<double> theta(family.dimension());
    for (std::uint32_t i = 0; i < draws; ++i) {
      family.sample(natural, {.seed = 2718, .step = 3, .draw = i}, theta);
      visit(theta);
    }
  }
};

// Central differences of f at 0, extrapolated twice (Richardson): error O(h^6).
template <class Function>
double derivative(const Function& f, double h) {
  const auto quotient = [&](double step) { return (f(step) - f(-step)) / (2.0 * step); };
  const double a = quotient(h), b = quotient(h / 2), c = quotient(h / 4);
  const double ab = (4.0 * b - a) / 3.0, bc = (4.0 * c - b) / 3.0;
  return (16.0 * bc - ab) / 15.0;
}

// A wide and a narrow step: how far A is smooth depends on the member.
TEST_P(FamilyLaw, MeanIsTheGradientOfTheLogPartition) {
  const Matrix f = fisher();
  const std::vector<double> mean = mean_of(natural);
  double worst = 0;
  for (std::size_t j = 0; j < size; ++j) {
    const auto moved_log_partition = [&](double step) {
      std::vector<double> lambda = natural;
      lambda[j] += step;
      return family.log_partition(lambda);
    };
    const double sd = std::sqrt(static_cast<double>(f(j, j)));
    const double wide = 0.05 / sd, narrow = 0.05 / std::max(sd, 1.0);
    const double error = std::min(std::abs(derivative(moved_log_partition, wide) - mean[j]),
                                  std::abs(derivative(moved_log_partition, narrow) - mean[j]));
    worst = std::max(worst, error / sd);
    // A is rounded, and so is lambda moved by the step.
    const double rounding =
        std::abs(family.log_partition(natural)) + std::abs(natural[j] * mean[j]);
    EXPECT_LE(error / sd, 1e-7 + 2000.0 * kEpsilon * rounding) << "element " << j;
  }
  RecordProperty("worst_error_in_sds", std::to_string(worst));
}

// The map back undoes the map forth, up to what rounding of mu means for lambda: |F^-1| |d mu|.
TEST_P(FamilyLaw, NaturalOfMeanIsNatural) {
  const std::vector<double> mean = mean_of(natural);
  std::vector<double> back(size);
  family.natural_from_mean(mean, back);
  const Matrix inverse = oracle::inverse(fisher());
  for (std::size_t j = 0; j < size; ++j) {
    double reach = std::abs(natural[j]);
    for (std::size_t k = 0; k < size; ++k) {
      reach += static_cast<double>(std::abs(inverse(j, k))) * std::abs(mean[k]);
    }
    EXPECT_NEAR(back[j], natural[j], 200.0 * kEpsilon * reach) << "element " << j;
  }
  const std::vector<double> again = mean_of(back);
  for (std::size_t j = 0; j < size; ++j) {
    EXPECT_NEAR(again[j], mean[j], 1e-9 * (std::abs(mean[j]) + 1e-300)) << "element " << j;
  }
}

TEST_P(FamilyLaw, DensityIsTheTextbooks) {
  double worst = 0;
  draw(200, [&](std::span<const double> theta) {
    const std::vector<double> t = statistic(theta);
    double scale = std::abs(family.log_partition(natural));
    for (std::size_t j = 0; j < size; ++j) scale += std::abs(t[j] * natural[j]);
    const double textbook = static_cast<double>(member.log_density(theta));
    const double error = std::abs(log_density(family, natural, theta) - textbook);
    worst = std::max(worst, error / (1.0 + scale));
  });
  EXPECT_LE(worst, 64.0 * kEpsilon);
}

TEST_P(FamilyLaw, DrawsHaveTheMeanAndCovarianceOfTheStatistic) {
  constexpr std::uint32_t kDraws = 20000;
  const std::vector<double> mean = mean_of(natural);
  std::vector<double> first(size), second(size * size), fourth(size * size);
  draw(kDraws, [&](std::span<const double> theta) {
    std::vector<double> t = statistic(theta);
    for (std::size_t j = 0; j < size; ++j) first[j] += (t[j] -= mean[j]);
    for (std::size_t j = 0; j < size; ++j) {
      for (std::size_t k = 0; k <= j; ++k) {
        const double product = t[j] * t[k];
        second[j * size + k] += product;
        fourth[j * size + k] += product * product;
      }
    }
  });
  const Matrix f = fisher();
  for (std::size_t j = 0; j < size; ++j) {
    const double deviation = std::sqrt(static_cast<double>(f(j, j)) / kDraws);
    EXPECT_LE(std::abs(first[j] / kDraws) / deviation, 5.5) << "mean of element " << j;
    for (std::size_t k = 0; k <= j; ++k) {
      const double product = second[j * size + k] / kDraws;
      // Where an event is rare its spread is badly known from the draws, and better from its parts.
      const double spread = std::max(fourth[j * size + k] / kDraws - product * product,
                                     static_cast<double>(f(j, j) * f(k, k)));
      EXPECT_LE(std::abs(product - static_cast<double>(f(j, k))), 6.0 * std::sqrt(spread / kDraws))
          << "covariance of elements " << j << ", " << k;
    }
  }
}

TEST_P(FamilyLaw, ADrawIsAPureFunctionOfItsName) {
  std::vector<double> once(family.dimension()), again(family.dimension());
  std::vector<std::vector<double>> others;
  const NoiseId id{.seed = 5, .step = 6, .draw = 7};
  family.sample(natural, id, once);
  family.sample(natural, id, again);
  EXPECT_EQ(once, again);
  if (is_discrete(member)) return;  // two of its few outcomes may well be equal
  for (const NoiseId other : {NoiseId{6, 6, 7}, NoiseId{5, 7, 7}, NoiseId{5, 6, 8}}) {
    family.sample(natural, other, again);
    EXPECT_NE(once, again);
  }
}

TEST_P(FamilyLaw, DensityIntegratesToOneAndGivesMeanEntropyAndDivergence) {
  if (!can_be_integrated(member)) {
    EXPECT_GT(family.dimension(), 1U) << "every one-dimensional member is integrated";
    return;
  }
  const auto density = [&](std::span<const double> theta) {
    return std::exp(log_density(family, natural, theta));
  };
  EXPECT_NEAR(integral(member, density), 1.0, 1e-10);
  const std::vector<double> mean = mean_of(natural);
  for (std::size_t j = 0; j < size; ++j) {
    const double expected = integral(member, [&](std::span<const double> theta) {
      return density(theta) * statistic(theta)[j];
    });
    EXPECT_NEAR(expected, mean[j], 1e-9 * (1.0 + std::abs(mean[j]))) << "element " << j;
  }
  const double negative_entropy = integral(member, [&](std::span<const double> theta) {
    return density(theta) * (log_density(family, natural, theta) - family.log_base_measure(theta));
  });
  EXPECT_NEAR(family.entropy(natural), -negative_entropy,
              1e-9 * (1.0 + std::abs(family.log_partition(natural))));
  const std::vector<double> q = moved(0.3, 0xA5A5);
  const double divergence = integral(member, [&](std::span<const double> theta) {
    return density(theta) * (log_density(family, natural, theta) - log_density(family, q, theta));
  });
  EXPECT_NEAR(kl_divergence(family, natural, q), divergence,
              1e-9 * (1.0 + std::abs(family.log_partition(natural))));
}

TEST_P(FamilyLaw, EntropyIsTheLogPartitionWithoutTheInnerProduct) {
  const std::vector<double> mean = mean_of(natural);
  double expected = family.log_partition(natural);
  double magnitude = 1.0 + std::abs(expected);
  for (std::size_t j = 0; j < size; ++j) {
    expected -= natural[j] * mean[j];
    magnitude += std::abs(natural[j] * mean[j]);
  }
  EXPECT_NEAR(family.entropy(natural), expected, 200.0 * kEpsilon * magnitude);
}

TEST_P(FamilyLaw, DivergenceAndEntropyAreExpectationsOverDraws) {
  constexpr std::uint32_t kDraws = 20000;
  const std::vector<double> q = moved(0.5, 0x3C5A);
  ASSERT_TRUE(family.proper(q));
  double ratio = 0, ratio_squares = 0, surprise = 0, surprise_squares = 0;
  draw(kDraws, [&](std::span<const double> theta) {
    const double here = log_density(family, natural, theta);
    const double r = here - log_density(family, q, theta);
    ratio += r, ratio_squares += r * r;
    const double relative = here - family.log_base_measure(theta);
    surprise -= relative, surprise_squares += relative * relative;
  });
  const auto check = [&](double sum, double squares, double expected) {
    const double mean = sum / kDraws;
    const double variance = std::max(squares / kDraws - mean * mean, 0.0);
    EXPECT_LE(std::abs(mean - expected), 5.5 * std::sqrt(variance / kDraws) + 1e-9);
  };
  check(ratio, ratio_squares, kl_divergence(family, natural, q));
  check(surprise, surprise_squares, family.entropy(natural));
}

TEST_P(FamilyLaw, DivergenceIsPositiveAndZeroOnlyAtEquality) {
  const double rounding = 100.0 * kEpsilon * (1.0 + std::abs(family.log_partition(natural)));
  EXPECT_NEAR(kl_divergence(family, natural, natural), 0.0, rounding);
  const Matrix f = fisher();
  for (unsigned seed = 1; seed <= 8; ++seed) {
    for (const double deviations : {1e-2, 0.2}) {
      const std::vector<double> q = moved(deviations, 2654435761U * seed);
      ASSERT_TRUE(family.proper(q));
      Vector step(size);
      for (std::size_t j = 0; j < size; ++j) step[j] = q[j] - natural[j];
      // Close by it is half the squared distance in the Fisher metric.
      const double squared = static_cast<double>(oracle::dot(step, oracle::multiply(f, step)));
      const double forward = kl_divergence(family, natural, q);
      const double backward = kl_divergence(family, q, natural);
      EXPECT_GT(forward, 0.0);
      EXPECT_GT(backward, 0.0);
      if (deviations > 0.1) continue;
      EXPECT_NEAR(forward, 0.5 * squared, 0.1 * squared + rounding);
      EXPECT_NEAR(backward, 0.5 * squared, 0.1 * squared + rounding);
    }
  }
}

TEST_P(FamilyLaw, FisherInformationIsSymmetricAndPositiveDefinite) {
  const Matrix f = fisher();
  for (std::size_t j = 0; j < size; ++j) {
    for (std::size_t k = 0; k < j; ++k) {
      EXPECT_NEAR(static_cast<double>(f(j, k)), static_cast<double>(f(k, j)),
                  1e-6 * std::sqrt(static_cast<double>(f(j, j) * f(k, k))));
    }
  }
  EXPECT_NO_THROW(oracle::cholesky(f));
}

// Of theta itself, where the draws have a variance at all.
TEST_P(FamilyLaw, MomentsAreThoseOfDraws) {
  constexpr std::uint32_t kDraws = 20000;
  const Moments moments = family.moments(natural);
  const std::size_t d = family.dimension();
  ASSERT_EQ(moments.mean.size(), d);
  ASSERT_EQ(moments.sd.size(), d);
  std::vector<double> first(d), second(d), fourth(d);
  draw(kDraws, [&](std::span<const double> theta) {
    for (std::size_t i = 0; i < d; ++i) {
      const double z = (theta[i] - moments.mean[i]) / moments.sd[i];
      first[i] += z, second[i] += z * z, fourth[i] += z * z * z * z;
    }
  });
  for (std::size_t i = 0; i < d; ++i) {
    if (std::isinf(moments.sd[i])) continue;
    EXPECT_LE(std::abs(first[i] / kDraws), 5.5 / std::sqrt(kDraws)) << "element " << i;
    const double variance = second[i] / kDraws;
    const double spread = std::sqrt((fourth[i] / kDraws - variance * variance) / kDraws);
    EXPECT_LE(std::abs(variance - 1.0), 6.0 * spread) << "element " << i;
  }
}

TEST_P(FamilyLaw, IsCutIntoIndependentPieces) {
  const std::size_t unit = family.unit();
  ASSERT_EQ(size % unit, 0U);
  const std::size_t units = size / unit;
  EXPECT_EQ(family.of_units(units)->name(), family.name());
  EXPECT_EQ(family.of_units(units)->dimension(), family.dimension());
  EXPECT_EQ(make_family(family.name(), family.dimension())->size(), size);
  if (units > 1) {
    EXPECT_EQ(family.of_units(0)->size(), 0U);
  }
  const std::vector<double> mean = mean_of(natural);
  for (std::size_t cut = 1; cut < units; ++cut) {
    const auto left = family.of_units(cut), right = family.of_units(units - cut);
    ASSERT_EQ(left->size(), cut * unit);
    ASSERT_EQ(right->size(), size - cut * unit);
    const auto head = std::span(natural).first(cut * unit);
    const auto tail = std::span(natural).subspan(cut * unit);
    const double whole = family.log_partition(natural);
    EXPECT_NEAR(left->log_partition(head) + right->log_partition(tail), whole,
                1e-13 * (1.0 + std::abs(whole)));
    std::vector<double> joined(size);
    left->mean_from_natural(head, std::span(joined).first(head.size()));
    right->mean_from_natural(tail, std::span(joined).last(tail.size()));
    EXPECT_EQ(joined, mean);
  }
}

TEST_P(FamilyLaw, ProperMeansThatTheDensityExists) {
  EXPECT_TRUE(family.proper(natural));
  for (std::size_t j = 0; j < size; ++j) {
    for (const double bad :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      std::vector<double> lambda = natural;
      lambda[j] = bad;
      EXPECT_FALSE(family.proper(lambda)) << "element " << j << " is " << bad;
    }
  }
  if (is_discrete(member)) return;  // every real number is proper
  const double edge = family.name() == "beta" || family.name() == "dirichlet" ? -1.0 : 0.0;
  std::vector<double> opposite = natural;
  for (double& x : opposite) x = 2.0 * edge - x;
  EXPECT_FALSE(family.proper(opposite));
}

// The message of a Gaussian with mean m is (H m - g, -H/2).
TEST_P(FamilyLaw, CentredFormBecomesNaturalParameters) {
  std::vector<double> centred(size), message(size);
  for (std::size_t j = 0; j < size; ++j) centred[j] = std::sin(static_cast<double>(3 * j + 1));
  const bool full = family.name() == "gaussian";
  if (!full && family.name() != "diagonal-gaussian") {
    EXPECT_THROW(family.natural_from_centred(natural, centred, message), Error);
    return;
  }
  family.natural_from_centred(natural, centred, message);
  const std::size_t d = family.dimension();
  const std::vector<double> mean = mean_of(natural);
  for (std::size_t i = 0; i < d; ++i) {
    Real expected = -centred[full ? i : 2 * i];
    Real scale = std::abs(expected);
    for (std::size_t j = 0; j < d; ++j) {
      if (!full && i != j) continue;
      const std::size_t place = full ? d + packed_index(std::max(i, j), std::min(i, j)) : 2 * i + 1;
      const Real term = Real(centred[place]) * mean[full ? j : 2 * j];
      expected += term;
      scale += std::abs(term);
      EXPECT_EQ(message[place], (i == j ? -0.5 : -1.0) * centred[place]);
    }
    EXPECT_NEAR(message[full ? i : 2 * i], static_cast<double>(expected),
                20.0 * kEpsilon * static_cast<double>(scale));
  }
}

INSTANTIATE_TEST_SUITE_P(Families, FamilyLaw, ::testing::ValuesIn(families()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum::laws
