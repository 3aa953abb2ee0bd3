#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "distributed/self.hpp"
#include "tests/laws/digamma.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using oracle::digamma;
using oracle::Matrix;
using oracle::Real;
using oracle::Vector;
using testing::Job;
using testing::Outcome;
using testing::Table;

// The rows as the design has them, and their weights.
struct Rows {
  Rows(const Job& job, const Table& table, const Design& design) {
    for (std::size_t i = 0; i < table.rows(); ++i) {
      x.emplace_back();
      for (std::size_t j = 0; j < design.features.size(); ++j) {
        x.back().push_back((Real(table.at(i, design.features[j])) - design.mean[j]) / design.sd[j]);
      }
      weight.push_back(job.data.weight.empty() ? 1.0L : table.at(i, "weight"));
    }
  }
  std::vector<Vector> x;
  Vector weight;
};

// One component's Normal-Wishart, and E[log N(x | mu, Lambda^-1)] from Bishop's (10.64), (10.65).
struct Component {
  Component(std::span<const double> natural, std::size_t d)
      : w(oracle::unpacked(natural.subspan(2 + d), d)), degrees(2 * Real(natural[0]) + d) {
    kappa = -2 * Real(natural[1]);
    for (std::size_t j = 0; j < d; ++j) mean.push_back(natural[2 + j] / kappa);
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) w(i, j) -= kappa * mean[i] * mean[j];
    }
    const Real size = static_cast<Real>(d);
    expected_log_determinant = size * std::log(2.0L) - oracle::log_determinant(w);
    for (std::size_t j = 0; j < d; ++j) {
      expected_log_determinant += digamma((degrees - static_cast<Real>(j)) / 2);
    }
  }
  Real expected_log_density(const Vector& x) const {
    const Real d = static_cast<Real>(x.size());
    Vector apart;
    for (std::size_t j = 0; j < x.size(); ++j) apart.push_back(x[j] - mean[j]);
    const Real distance = oracle::dot(apart, oracle::solve(w, apart));
    return (expected_log_determinant - d / kappa - degrees * distance -
            d * std::log(oracle::kTwoPi)) /
           2;
  }

  Matrix w;
  Real degrees, kappa = 0, expected_log_determinant = 0;
  Vector mean;
};

// Message and ELBO of the rows at q, the latter as E[log p(x, z)] + entropy, term by term.
struct LocalStep {
  Vector message;
  Real elbo = 0;
};
LocalStep local_step(const Rows& rows, const Posterior& q) {
  const std::size_t count = q.blocks().size() - 1, d = rows.x[0].size();
  std::vector<Component> components;
  Real total = 0;
  for (std::size_t k = 0; k < count; ++k) {
    components.emplace_back(q.natural(q.blocks()[1 + k]), d);
    total += q.natural()[k] + 1.0L;
  }
  LocalStep step{.message = Vector(q.size())};
  std::vector<Matrix> gram(count, Matrix(d));
  for (std::size_t i = 0; i < rows.x.size(); ++i) {
    Vector r, log_joint;
    Real sum = 0;
    for (std::size_t k = 0; k < count; ++k) {
      log_joint.push_back(digamma(q.natural()[k] + 1.0L) - digamma(total) +
                          components[k].expected_log_density(rows.x[i]));
      r.push_back(std::exp(log_joint[k]));
      sum += r[k];
    }
    for (std::size_t k = 0; k < count; ++k) {
      r[k] /= sum;
      if (r[k] > 0) step.elbo += rows.weight[i] * r[k] * (log_joint[k] - std::log(r[k]));
      const Real share = rows.weight[i] * r[k];
      Real* const own = step.message.data() + q.blocks()[1 + k].first;
      step.message[k] += share;
      own[0] += share / 2, own[1] -= share / 2;
      for (std::size_t a = 0; a < d; ++a) {
        own[2 + a] += share * rows.x[i][a];
        for (std::size_t b = 0; b < d; ++b) gram[k](a, b) += share * rows.x[i][a] * rows.x[i][b];
      }
    }
  }
  for (std::size_t k = 0; k < count; ++k) {
    const Vector packed = oracle::packed(gram[k]);
    std::ranges::copy(packed, step.message.begin() +
                                  static_cast<std::ptrdiff_t>(q.blocks()[1 + k].first + 2 + d));
  }
  return step;
}

class MixtureLaw : public ::testing::TestWithParam<const char*> {};

TEST_P(MixtureLaw, MessageAndLossAreTheLocalStep) {
  const testing::TemporaryFolder folder;
  const ModelMember& member = model(GetParam());
  const Job job = member.job(folder);
  const auto self = make_self_communicator();
  const Outcome outcome = testing::train(job, *self);
  const Rows rows(job, testing::make_table(member.table), outcome.design);
  testing::Setup setup(job, *self);
  for (const Posterior& q : {setup.model->initial_posterior(), outcome.posterior}) {
    const auto evidence = testing::evidence_at(setup, q);
    const LocalStep expected = local_step(rows, q);
    Real largest = 0;
    for (const Real x : expected.message) largest = std::max(largest, std::abs(x));
    for (std::size_t j = 0; j < q.size(); ++j) {
      EXPECT_NEAR(evidence.natural[j], static_cast<double>(expected.message[j]),
                  static_cast<double>(1e-12L * largest));
    }
    EXPECT_NEAR(evidence.loss, static_cast<double>(-expected.elbo),
                1e-12 * std::abs(evidence.loss));
  }
}

INSTANTIATE_TEST_SUITE_P(Members, MixtureLaw,
                         ::testing::Values("gaussian_mixture", "gaussian_mixture_raw"));

// Three clusters eight standard deviations apart: their means, shares and sds come back.
TEST(GaussianMixture, FindsSeparatedComponents) {
  const testing::TemporaryFolder folder;
  const Table table =
      testing::make_table({.model = "gaussian-mixture", .rows = 600, .effect = 1.0, .seed = 3});
  Job job = make_job(folder, "gaussian-mixture", table);
  job.trainer.stop = {.steps = 500, .residual = 1e-9};
  const Outcome outcome = testing::train(job, *make_self_communicator());
  // By what made them: column j is 2 + 4 in cluster j and 2 - 4 elsewhere.
  for (std::size_t cluster = 0; cluster < 3; ++cluster) {
    double best = 1e9;
    for (std::size_t k = 0; k < 3; ++k) {
      const Component found(outcome.posterior.natural(outcome.posterior.blocks()[1 + k]), 3);
      double error = 0;
      for (std::size_t j = 0; j < 3; ++j) {
        const double mean =
            outcome.design.mean[j] + outcome.design.sd[j] * static_cast<double>(found.mean[j]);
        error = std::max(error, std::abs(mean - (j == cluster ? 6.0 : -2.0)));
      }
      best = std::min(best, error);
    }
    EXPECT_LT(best, 0.3) << "cluster " << cluster;
  }
}

// log sum_k pi_k N(x | mu_k, Lambda_k^-1), from its definition.
TEST(GaussianMixture, LogLikelihoodSumsComponentsOut) {
  const testing::TemporaryFolder folder;
  const ModelMember& member = model("gaussian_mixture");
  const Job job = member.job(folder);
  const auto self = make_self_communicator();
  const Outcome outcome = testing::train(job, *self);
  const Rows rows(job, testing::make_table(member.table), outcome.design);
  testing::Setup setup(job, *self);
  const Posterior& q = outcome.posterior;
  std::vector<double> draw;
  for (const Block& block : q.blocks()) {
    std::vector<double> theta(block.family->dimension());
    block.family->sample(q.natural(block), {.seed = 5}, theta);
    draw.insert(draw.end(), theta.begin(), theta.end());
  }
  const std::size_t d = 3, count = 3;
  Real expected = 0;
  for (std::size_t i = 0; i < rows.x.size(); ++i) {
    Real sum = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const double* const own = draw.data() + count + k * (d + packed_size(d));
      Matrix precision(d);
      Vector apart;
      for (std::size_t a = 0; a < d; ++a) {
        apart.push_back(rows.x[i][a] - own[a]);
        for (std::size_t b = 0; b <= a; ++b) {
          precision(a, b) = precision(b, a) = own[d + packed_index(a, b)];
        }
      }
      sum += draw[k] * std::exp((oracle::log_determinant(precision) -
                                 oracle::dot(apart, multiply(precision, apart)) -
                                 d * std::log(oracle::kTwoPi)) /
                                2);
    }
    expected += rows.weight[i] * std::log(sum);
  }
  double sum = 0;
  for (std::size_t shard = 0; shard < setup.data.virtual_shards(); ++shard) {
    setup.data.visit(setup.stream, shard, [&](const Batch& batch) {
      setup.model->log_likelihood(batch, {draw.data(), 1, draw.size()}, {&sum, 1});
    });
  }
  EXPECT_NEAR(sum, static_cast<double>(expected), 1e-11 * std::abs(sum));
}

}  // namespace
}  // namespace bayesum::laws
