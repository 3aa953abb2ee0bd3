#include <gtest/gtest.h>

#include <algorithm>

#include "distributed/self.hpp"
#include "tests/laws/glm_oracle.hpp"
#include "tests/laws/models.hpp"
#include "tests/laws/softmax_oracle.hpp"

namespace bayesum::laws {
namespace {

using oracle::Matrix;
using oracle::Real;
using oracle::Regression;
using oracle::Vector;
using testing::Job;

constexpr int kSteps = 8;

// A Gaussian as mean and precision, full or diagonal.
struct Point {
  Vector mean;
  Matrix precision;
};

Point point_of(const Posterior& q) {
  const Block& block = q.blocks().front();
  const std::size_t d = block.family->dimension();
  const auto natural = q.natural();
  Point point{Vector(d), Matrix(d)};
  if (block.family->name() == "gaussian") {
    point.precision = oracle::unpacked(natural.subspan(d), d);
    point.mean = oracle::solve(point.precision, {natural.begin(), natural.begin() + d});
  } else {
    for (std::size_t j = 0; j < d; ++j) {
      point.precision(j, j) = -2.0L * natural[2 * j + 1];
      point.mean[j] = natural[2 * j] / point.precision(j, j);
    }
  }
  return point;
}

// Newton's method on the negative log joint density, damped by rho in the way of online Newton:
//   S <- (1 - rho) S + rho H      m <- m - rho S^-1 g
// The diagonal method keeps the diagonal of H alone.
void newton_step(const oracle::Derivatives& derivatives, Real rho, bool full, Point& at) {
  const std::size_t d = at.mean.size();
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      const Real curvature = full || i == j ? derivatives.hessian(i, j) : 0;
      at.precision(i, j) = (1 - rho) * at.precision(i, j) + rho * curvature;
    }
  }
  const Vector step = oracle::solve(at.precision, derivatives.gradient);
  for (std::size_t j = 0; j < d; ++j) at.mean[j] -= rho * step[j];
}

// The posterior before every step.
std::vector<Posterior> iterates(const Job& job) {
  const auto self = make_self_communicator();
  testing::Setup setup(job, *self);
  std::vector<Posterior> found = {setup.model->initial_posterior()};
  Trainer trainer = setup.trainer(
      {.report = {},
       .checkpoint = [&](const TrainingState& state) { found.push_back(state.posterior); },
       .checkpoint_every = 1,
       .stop_requested = {}});
  trainer.run();
  return found;
}

double relative_error(const Vector& a, const Vector& b) {
  Real error = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error = std::max(error, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return static_cast<double>(error / largest);
}

class NewtonLaw : public ::testing::TestWithParam<std::tuple<ModelMember, double>> {};

TEST_P(NewtonLaw, DeltaMethodGivesNewtonsIterates) {
  const auto& [member, rho] = GetParam();
  const testing::TemporaryFolder folder;
  Job job = member.job(folder);
  job.model.expectation = "delta";
  job.trainer.rule = {.name = "blr", .rho = rho};
  job.trainer.stop = {.steps = kSteps, .residual = 0};
  const Regression data(job, make_table(member.table));
  const auto joint_derivatives = [&](const Vector& theta) {
    return job.model.name == "softmax"
               ? oracle::Softmax{data, 3}.joint_derivatives(theta)
               : oracle::joint_derivatives(data, oracle::GlmLoss(job.model), theta);
  };

  const std::vector<Posterior> trained = iterates(job);
  ASSERT_EQ(trained.size(), kSteps + 1U);
  Point newton = point_of(trained[0]);
  double worst = 0, moved = 0;
  for (std::size_t t = 1; t < trained.size(); ++t) {
    const Vector before = newton.mean;
    newton_step(joint_derivatives(newton.mean), rho, job.model.posterior == "full", newton);
    const Point here = point_of(trained[t]);
    const double error = std::max(relative_error(here.mean, newton.mean),
                                  relative_error(here.precision.values, newton.precision.values));
    EXPECT_LE(error, 1e-13) << "iterate " << t;
    worst = std::max(worst, error);
    moved = std::max(moved, relative_error(before, newton.mean));
  }
  EXPECT_GT(moved, 1e-3) << "the iterates stand still";
  RecordProperty("worst_iterate", std::to_string(worst * 1e15) + "e-15");
  if (rho < 1.0 || job.model.posterior != "full") return;
  const auto end = joint_derivatives(newton.mean);
  EXPECT_LE(std::sqrt(oracle::dot(end.gradient, end.gradient)), 1e-9)
      << "Newton's method has converged";
}

std::vector<ModelMember> tame_models() {
  std::vector<ModelMember> found = generalised_linear_models();
  std::erase_if(found, [](const ModelMember& member) { return member.name == "logistic_hard"; });
  std::ranges::copy(softmax_models(), std::back_inserter(found));
  return found;
}

INSTANTIATE_TEST_SUITE_P(Models, NewtonLaw,
                         ::testing::Combine(::testing::ValuesIn(tame_models()),
                                            ::testing::Values(1.0, 0.35)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name +
                                  (std::get<1>(test.param) < 1.0 ? "_damped" : "");
                         });

}  // namespace
}  // namespace bayesum::laws
