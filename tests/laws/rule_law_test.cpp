#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/rule.hpp"
#include "distributed/self.hpp"
#include "kernels/error.hpp"
#include "tests/laws/dense.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using oracle::Matrix;
using oracle::Real;
using oracle::Vector;

// A Gaussian N(m, S^-1), a prior, and evidence g and H at m; rules see them as natural parameters.
struct Situation {
  bool full;
  Vector mean, prior_mean, gradient;
  Matrix precision, prior_precision, hessian;

  std::size_t size() const { return mean.size(); }
  std::vector<double> natural(const Vector& first, const Matrix& second) const {
    std::vector<double> lambda;
    if (full) {
      lambda.assign(first.begin(), first.end());
      const Vector tail = oracle::packed(second);
      lambda.insert(lambda.end(), tail.begin(), tail.end());
      return lambda;
    }
    for (std::size_t j = 0; j < size(); ++j) {
      lambda.push_back(static_cast<double>(first[j]));
      lambda.push_back(static_cast<double>(-second(j, j) / 2));
    }
    return lambda;
  }
  Posterior posterior() const {
    Posterior q;
    q.add_block("theta", make_family(full ? "gaussian" : "diagonal-gaussian", size()));
    std::ranges::copy(natural(oracle::multiply(precision, mean), precision), q.natural().begin());
    return q;
  }
  std::vector<double> prior() const {
    return natural(oracle::multiply(prior_precision, prior_mean), prior_precision);
  }
  std::vector<double> message() const {
    Vector first = oracle::multiply(hessian, mean);
    for (std::size_t j = 0; j < size(); ++j) first[j] -= gradient[j];
    return natural(first, hessian);
  }
  // Of the negative log joint density, averaged: g + S_0 (m - m_0) and S_0 + H.
  Vector whole_gradient() const {
    Vector away = mean;
    for (std::size_t j = 0; j < size(); ++j) away[j] -= prior_mean[j];
    Vector sum = oracle::multiply(prior_precision, away);
    for (std::size_t j = 0; j < size(); ++j) sum[j] += gradient[j];
    return sum;
  }
  Matrix wanted() const {
    Matrix sum = prior_precision;
    for (std::size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += hessian.values[i];
    return sum;
  }
};

Situation situation(bool full, std::size_t d, Real curvature, bool indefinite, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  const auto vector = [&] {
    Vector x(d);
    for (Real& value : x) value = normal(random);
    return x;
  };
  const auto matrix = [&](bool positive) {
    Matrix a(d), b(d);
    for (Real& value : a.values) value = normal(random);
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        if (!full && i != j) continue;
        b(i, j) = positive && i == j ? 0.3L : 0;
        for (std::size_t k = 0; k < d && positive; ++k) b(i, j) += a(i, k) * a(j, k) / Real(d);
        if (!positive) b(i, j) = a(i, j) + a(j, i);
      }
    }
    return b;
  };
  Situation s{full, vector(), vector(), vector(), matrix(true), matrix(true), matrix(!indefinite)};
  for (Real& value : s.hessian.values) value *= curvature;
  // What the rule is given are doubles: the situation is the one that those describe.
  for (Matrix* m : {&s.precision, &s.prior_precision, &s.hessian}) {
    for (Real& value : m->values) value = static_cast<double>(value);
  }
  return s;
}

// S' and m' in the layout of lambda against what the rule gave.
void expect_step(const Situation& s, Real rho, const Matrix& next, const Posterior& to,
                 double tolerance) {
  Vector mean = s.mean;
  const Vector step = oracle::solve(next, s.whole_gradient());
  for (std::size_t j = 0; j < s.size(); ++j) mean[j] -= rho * step[j];
  const std::vector<double> expected = s.natural(oracle::multiply(next, mean), next);
  double largest = 0;
  for (const double x : expected) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(to.natural()[i], expected[i], tolerance * largest) << "element " << i;
  }
}

// full, elements, size of the curvature, indefinite
using Case = std::tuple<bool, std::size_t, double, bool>;

class RuleLaw : public ::testing::TestWithParam<Case> {
 protected:
  std::vector<Situation> situations() const {
    const auto& [full, d, curvature, indefinite] = GetParam();
    std::vector<Situation> found;
    for (unsigned seed = 1; seed <= 5; ++seed) {
      found.push_back(situation(full, d, curvature, indefinite, seed));
    }
    return found;
  }
};

// S <- (1 - rho) S + rho (S_0 + H),  m <- m - rho S_new^-1 (g + S_0 (m - m_0)).
TEST_P(RuleLaw, BlendIsVariationalOnlineNewton) {
  if (std::get<3>(GetParam())) return;  // the plain rule needs curvature that is positive
  for (const Situation& s : situations()) {
    for (const double rho : {0.1, 0.5, 1.0}) {
      Matrix next = s.wanted();
      for (std::size_t i = 0; i < next.values.size(); ++i) {
        next.values[i] = (1 - Real(rho)) * s.precision.values[i] + rho * next.values[i];
      }
      const Posterior to = make_blend_rule()->step(rho, s.posterior(), s.prior(), s.message());
      expect_step(s, rho, next, to, 1e-13);
    }
  }
}

// With D = S - (S_0 + H):  S <- S - rho D + rho^2 / 2 D S^-1 D = (S + U'U) / 2,  U = L' - rho L^-1
// D.
TEST_P(RuleLaw, RetractionIsItsFormula) {
  for (const Situation& s : situations()) {
    const auto condition = static_cast<double>(oracle::condition(s.precision));
    for (const double rho : {0.1, 0.5, 1.0}) {
      Matrix gap = s.wanted();
      for (std::size_t i = 0; i < gap.values.size(); ++i) {
        gap.values[i] = s.precision.values[i] - gap.values[i];
      }
      Matrix next = oracle::multiply(gap, oracle::multiply(oracle::inverse(s.precision), gap));
      for (std::size_t i = 0; i < next.values.size(); ++i) {
        next.values[i] =
            s.precision.values[i] - rho * gap.values[i] + Real(rho) * rho / 2 * next.values[i];
      }
      const Posterior to = make_retraction_rule()->step(rho, s.posterior(), s.prior(), s.message());
      expect_step(s, rho, next, to, 1e-13 * condition);
    }
  }
}

TEST_P(RuleLaw, RetractionStaysPositiveDefinite) {
  for (const Situation& s : situations()) {
    for (const double rho : {0.01, 0.3, 1.0}) {
      const Posterior to = make_retraction_rule()->step(rho, s.posterior(), s.prior(), s.message());
      EXPECT_TRUE(to.proper()) << "rho = " << rho;
    }
  }
}

std::string name_of(const ::testing::TestParamInfo<Case>& test) {
  const auto& [full, d, curvature, indefinite] = test.param;
  return std::string(full ? "full_" : "diagonal_") + std::to_string(d) + "_curvature_" +
         std::to_string(static_cast<int>(1000.0 * curvature)) + "e_3" +
         (indefinite ? "_indefinite" : "");
}

INSTANTIATE_TEST_SUITE_P(Situations, RuleLaw,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Values<std::size_t>(1, 2, 5, 12),
                                            ::testing::Values(1e-3, 1.0, 1e3, 1e6),
                                            ::testing::Bool()),
                         name_of);

// Where the plain rule leaves the space of posteriors, the retraction does not.
TEST(RuleLawCurvature, NegativeIsTooMuchForTheBlendAlone) {
  const Situation s = situation(true, 4, 1e3, true, 1);
  EXPECT_FALSE(make_blend_rule()->step(1.0, s.posterior(), s.prior(), s.message()).proper());
  EXPECT_TRUE(make_retraction_rule()->step(1.0, s.posterior(), s.prior(), s.message()).proper());
}

TEST(RuleLawFamilies, RetractionIsForGaussiansAlone) {
  Posterior q;
  q.add_block("p", make_family("beta", 2));
  const std::vector<double> zero(q.size());
  EXPECT_THROW(make_retraction_rule()->step(0.5, q, zero, zero), Error);
}

// rho_t = rho (offset / (offset + t))^power, and the step is taken with it.
TEST(RuleLawSchedule, PowerIsFollowed) {
  const testing::TemporaryFolder folder;
  testing::Job job = model("linear").job(folder);
  job.trainer.rule = {.name = "blr", .rho = 0.8, .schedule = "power"};
  job.trainer.rule.schedule_offset = 3.0;
  job.trainer.rule.schedule_power = 0.7;
  const auto self = make_self_communicator();
  const testing::Outcome outcome = testing::train(job, *self);
  testing::Setup setup(job, *self);
  Posterior q = setup.model->initial_posterior();
  const auto message = testing::evidence_at(setup, q).natural;
  for (std::size_t t = 0; t + 1 < outcome.reports.size(); ++t) {
    const double rho = 0.8 * std::pow(3.0 / (3.0 + static_cast<double>(t)), 0.7);
    EXPECT_DOUBLE_EQ(outcome.reports[t + 1].rho, rho);
    for (std::size_t i = 0; i < q.size(); ++i) {
      q.natural()[i] += rho * (outcome.prior.natural[i] + message[i] - q.natural()[i]);
    }
  }
  for (std::size_t i = 0; i < q.size(); ++i) {
    EXPECT_NEAR(outcome.posterior.natural()[i], q.natural()[i],
                1e-12 * std::abs(message[i]) + 1e-12);
  }
}

}  // namespace
}  // namespace bayesum::laws
