#include <gtest/gtest.h>

#include "distributed/self.hpp"
#include "kernels/random.hpp"
#include "tests/laws/models.hpp"
#include "tests/laws/softmax_oracle.hpp"

namespace bayesum::laws {
namespace {

using oracle::Matrix;
using oracle::Real;
using oracle::Vector;

constexpr std::size_t kClasses = 3;

class SoftmaxLaw : public ::testing::TestWithParam<ModelMember> {
 protected:
  SoftmaxLaw()
      : job(GetParam().job(folder)),
        setup(job, *self),
        data(job, make_table(GetParam().table)),
        softmax{data, kClasses} {}

  bool full() const { return job.model.posterior == "full"; }

  // The mean of q, and the draws m +- A eps that its message is averaged over.
  std::vector<Vector> draws_of(const Posterior& q) const {
    const std::size_t d = softmax.dimension();
    const auto natural = q.natural();
    Matrix precision(d);
    Vector first(d);
    for (std::size_t j = 0; j < d; ++j) {
      first[j] = natural[full() ? j : 2 * j];
      if (!full()) precision(j, j) = -2.0L * natural[2 * j + 1];
    }
    if (full()) precision = oracle::unpacked(natural.subspan(d), d);
    const Vector mean = oracle::solve(precision, first);
    if (job.model.expectation == "delta") return {mean};
    const Matrix lower = oracle::cholesky(precision);
    std::vector<Vector> draws;
    for (std::int64_t k = 0; k < job.model.draws / 2; ++k) {
      std::vector<double> eps(d);
      fill_normal(Stream(), {.seed = 0, .draw = static_cast<std::uint32_t>(k)}, 0, eps);
      Vector away(d);  // L' away = eps
      for (std::size_t i = d; i-- > 0;) {
        away[i] = eps[i];
        for (std::size_t j = i + 1; j < d; ++j) away[i] -= lower(j, i) * away[j];
        away[i] /= lower(i, i);
      }
      for (const Real sign : {1.0L, -1.0L}) {
        Vector theta = mean;
        for (std::size_t j = 0; j < d; ++j) theta[j] += sign * away[j];
        draws.push_back(theta);
      }
    }
    return draws;
  }

  testing::TemporaryFolder folder;
  std::unique_ptr<Communicator> self = make_self_communicator();
  testing::Job job;
  testing::Setup setup;
  oracle::Regression data;
  oracle::Softmax softmax;
};

TEST_P(SoftmaxLaw, MessageHoldsTheDerivativesAveragedOverDraws) {
  job.trainer.stop.steps = 2;
  const Posterior q = testing::train(job, *self).posterior;
  const auto evidence = testing::evidence_at(setup, q);
  const std::size_t d = softmax.dimension();
  const auto draws = draws_of(q);
  Real loss = 0;
  oracle::Derivatives mean{Vector(d), Matrix(d)};
  for (const Vector& theta : draws) {
    const auto at = softmax.derivatives(theta);
    const Real share = 1.0L / static_cast<Real>(draws.size());
    loss += share * softmax.loss(theta);
    for (std::size_t i = 0; i < d; ++i) mean.gradient[i] += share * at.gradient[i];
    for (std::size_t i = 0; i < d * d; ++i) mean.hessian.values[i] += share * at.hessian.values[i];
  }
  const double scale = 1e-12 * static_cast<double>(data.rows());
  EXPECT_NEAR(evidence.loss, static_cast<double>(loss), scale);
  for (std::size_t j = 0; j < d; ++j) {
    EXPECT_NEAR(evidence.payload[full() ? j : 2 * j], static_cast<double>(mean.gradient[j]), scale);
    for (std::size_t k = full() ? 0 : j; k <= j; ++k) {
      EXPECT_NEAR(evidence.payload[full() ? d + packed_index(j, k) : 2 * j + 1],
                  static_cast<double>(mean.hessian(j, k)), scale)
          << j << ", " << k;
    }
  }
}

// The oracle's derivatives are those of its loss.
TEST_P(SoftmaxLaw, DerivativesAgreeWithFiniteDifferences) {
  constexpr Real kStep = 1e-4L;
  Vector theta(softmax.dimension());
  for (std::size_t j = 0; j < theta.size(); ++j) theta[j] = 0.4L * std::cos(static_cast<Real>(j));
  const auto at = softmax.derivatives(theta);
  const auto moved = [&](std::size_t j, Real step) {
    Vector there = theta;
    there[j] += step;
    return there;
  };
  for (std::size_t j = 0; j < theta.size(); ++j) {
    const Vector above = moved(j, kStep), below = moved(j, -kStep);
    const Real slope = (softmax.loss(above) - softmax.loss(below)) / (2 * kStep);
    EXPECT_NEAR(static_cast<double>(at.gradient[j]), static_cast<double>(slope), 1e-6);
    const auto high = softmax.derivatives(above), low = softmax.derivatives(below);
    for (std::size_t k = 0; k < theta.size(); ++k) {
      const Real second = (high.gradient[k] - low.gradient[k]) / (2 * kStep);
      EXPECT_NEAR(static_cast<double>(at.hessian(k, j)), static_cast<double>(second), 1e-5);
    }
  }
}

// With the defaults of the program, for several noises.
TEST_P(SoftmaxLaw, TrainingConverges) {
  job.trainer.rule = {};
  job.trainer.stop = {};
  for (const std::int64_t seed : {0, 1, 2}) {
    for (const std::int64_t draws : {2, 32}) {
      job.model.draw_seed = seed;
      job.model.draws = draws;
      const auto outcome = testing::train(job, *self);
      EXPECT_EQ(outcome.result.reason, StopReason::kResidual) << draws << " draws, seed " << seed;
      EXPECT_LE(outcome.result.last.step, 100);
    }
  }
}

// What is drawn matters less the more of it there is: with many draws two noises agree, to the
// square root of their number.
TEST_P(SoftmaxLaw, ManyDrawsForgetTheirSeed) {
  if (job.model.expectation == "delta") return;  // draws nothing
  job.trainer.rule = {};
  job.trainer.stop = {};
  const auto apart = [&](std::int64_t draws) {
    const auto naturals = [&](std::int64_t seed) {
      job.model.draws = draws;
      job.model.draw_seed = seed;
      return testing::train(job, *self).natural();
    };
    const auto a = naturals(1), b = naturals(2);
    double largest = 0, distance = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      largest = std::max(largest, std::abs(a[i]));
      distance = std::max(distance, std::abs(a[i] - b[i]));
    }
    return distance / largest;
  };
  const double few = apart(8), many = apart(2048);
  EXPECT_LT(many, 0.25 * few);
  EXPECT_LT(many, 0.02);
}

INSTANTIATE_TEST_SUITE_P(Models, SoftmaxLaw, ::testing::ValuesIn(softmax_models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum::laws
