#include <gtest/gtest.h>

#include <algorithm>

#include "distributed/self.hpp"
#include "tests/laws/glm_oracle.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using oracle::Matrix;
using oracle::Real;
using oracle::Regression;
using oracle::Vector;

// f at 0 by central differences of order 1 or 2, extrapolated twice (Richardson): error O(h^6).
template <class Quotient>
Real extrapolated(const Quotient& quotient) {
  constexpr Real kStep = 0.01L;
  const Real a = quotient(kStep), b = quotient(kStep / 2), c = quotient(kStep / 4);
  const Real ab = (4 * b - a) / 3, bc = (4 * c - b) / 3;
  return (16 * bc - ab) / 15;
}

// A loss as a function of the posterior mean, with the derivatives that the message should carry.
class LossOfMean {
 public:
  LossOfMean(const Regression& data, const ModelConfig& model, Vector mean, Matrix covariance)
      : data_(data), loss_(model), mean_(std::move(mean)), covariance_(std::move(covariance)) {}

  Real value() const { return moved({}); }
  Real gradient(std::size_t j) const {
    return extrapolated([&](Real h) { return (moved({{j, h}}) - moved({{j, -h}})) / (2 * h); });
  }
  Real hessian(std::size_t j, std::size_t k) const {
    return extrapolated([&](Real h) {
      return (moved({{j, h}, {k, h}}) - moved({{j, h}, {k, -h}}) - moved({{j, -h}, {k, h}}) +
              moved({{j, -h}, {k, -h}})) /
             (4 * h * h);
    });
  }

 private:
  Real moved(const std::vector<std::pair<std::size_t, Real>>& steps) const {
    Vector mean = mean_;
    for (const auto& [j, step] : steps) mean[j] += step;
    return expected_loss(data_, loss_, mean, covariance_);
  }

  const Regression& data_;
  oracle::GlmLoss loss_;
  Vector mean_;
  Matrix covariance_;
};

class GradientLaw : public ::testing::TestWithParam<ModelMember> {
 protected:
  void SetUp() override {
    job = GetParam().job(folder);
    full = job.model.posterior == "full";
    delta = job.model.expectation == "delta";
  }

  // A posterior about the mean of the initial one, with correlations where there can be.
  Posterior posterior(const Posterior& layout, double precision) const {
    Posterior q = layout;
    const std::size_t d = q.blocks().front().family->dimension();
    for (std::size_t j = 0; j < d; ++j) {
      const double s = precision * (1.0 + 0.3 * static_cast<double>(j));
      const double m = j == 0 ? 0.2 : 0.3 * std::cos(static_cast<double>(j));
      q.natural()[full ? j : 2 * j] = s * m;
      q.natural()[full ? d + packed_index(j, j) : 2 * j + 1] = -0.5 * s;
      if (full && j > 0) q.natural()[d + packed_index(j, j - 1)] = 0.25 * precision;
    }
    EXPECT_TRUE(q.proper());
    return q;
  }

  LossOfMean loss_at(const Regression& data, const Posterior& q) const {
    const std::size_t d = data.columns();
    Matrix precision(d);
    Vector first(d);
    for (std::size_t j = 0; j < d; ++j) {
      first[j] = q.natural()[full ? j : 2 * j];
      if (!full) precision(j, j) = -2.0L * q.natural()[2 * j + 1];
    }
    if (full) precision = oracle::unpacked(q.natural().subspan(d), d);
    return {data, job.model, oracle::solve(precision, first),
            delta ? Matrix(d) : oracle::inverse(precision)};
  }

  testing::TemporaryFolder folder;
  testing::Job job;
  bool full = true;
  bool delta = false;
};

TEST_P(GradientLaw, MessageHoldsTheDerivativesOfTheExpectedLoss) {
  const Regression data(job, make_table(GetParam().table));
  const std::size_t d = data.columns();
  const auto self = make_self_communicator();
  testing::Setup setup(job, *self);
  // What the quadrature promises of each row (kernels/glm_expectation.hpp); Poisson is exact.
  const bool exact = delta || job.model.name == "poisson";
  // A row of a negative binomial errs by y + r times as much as a logistic one.
  const double trials =
      job.model.name == "negative-binomial"
          ? static_cast<double>(*std::ranges::max_element(data.y)) + job.model.dispersion
          : 1.0;
  const double absolute = exact ? 1e-12 : 2e-7 * trials, relative = exact ? 1e-11 : 1e-6;
  Vector reach(d);
  for (std::size_t i = 0; i < data.rows(); ++i) {
    for (std::size_t j = 0; j < d; ++j) reach[j] += data.weight[i] * std::abs(data.x[i][j]);
  }
  double worst_gradient = 0, worst_hessian = 0;
  for (const double precision : {100.0, 1.5}) {
    const Posterior q = posterior(setup.model->initial_posterior(), precision);
    const auto evidence = testing::evidence_at(setup, q);
    const LossOfMean loss = loss_at(data, q);
    const auto value = static_cast<double>(loss.value());
    EXPECT_NEAR(evidence.loss, value, absolute * GetParam().table.rows * 2.0 + 1e-12 * value);
    const auto hessian_of = [&](std::size_t j, std::size_t k) {
      return evidence.payload[full ? d + packed_index(j, k) : 2 * j + 1];
    };
    for (std::size_t j = 0; j < d; ++j) {
      const double error =
          std::abs(evidence.payload[full ? j : 2 * j] - static_cast<double>(loss.gradient(j)));
      const double scale = hessian_of(j, j) + static_cast<double>(reach[j]);
      EXPECT_LE(error, (exact ? 1e-12 : absolute) * scale) << "gradient " << j;
      worst_gradient = std::max(worst_gradient, error / scale);
      for (std::size_t k = full ? 0 : j; k <= j; ++k) {
        const double size = std::sqrt(hessian_of(j, j) * hessian_of(k, k));
        const double off = std::abs(hessian_of(j, k) - static_cast<double>(loss.hessian(j, k)));
        EXPECT_LE(off, relative * size) << "curvature " << j << ", " << k;
        worst_hessian = std::max(worst_hessian, off / size);
      }
    }
  }
  RecordProperty("worst_gradient", std::to_string(worst_gradient * 1e12) + "e-12");
  RecordProperty("worst_hessian", std::to_string(worst_hessian * 1e12) + "e-12");
}

std::vector<ModelMember> differentiable_models() {
  std::vector<ModelMember> found = generalised_linear_models();
  // Its raw columns of size 60 would need steps of their own.
  std::erase_if(found, [](const ModelMember& member) { return member.name == "logistic_hard"; });
  return found;
}

INSTANTIATE_TEST_SUITE_P(Models, GradientLaw, ::testing::ValuesIn(differentiable_models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum::laws
