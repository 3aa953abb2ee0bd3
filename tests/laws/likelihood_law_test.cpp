#include <gtest/gtest.h>

#include <cmath>

#include "distributed/self.hpp"
#include "tests/laws/dense.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using oracle::Real;

// log p(row | theta), from the textbook, of a conjugate model: x as the model sees it.
class RowDensity {
 public:
  RowDensity(const std::string& model, const Design& design) : model_(model), design_(design) {}

  Real operator()(std::span<const double> x, Real y, Real offset,
                  std::span<const double> theta) const {
    const std::size_t d = x.size();
    if (model_ == "linear") {
      Real z = offset;
      for (std::size_t j = 0; j < d; ++j) z += Real(x[j]) * theta[j];
      return normal(y, z, theta[d]);
    }
    if (model_ == "multivariate-gaussian") return of_row(x, theta);
    Real sum = 0;
    std::size_t first = 0;
    for (std::size_t j = 0; j < d; ++j) {
      if (model_ == "gaussian") {
        sum += normal(x[j], theta[2 * j], theta[2 * j + 1]) - std::log(Real(design_.sd[j]));
      } else if (model_ == "beta-bernoulli") {
        sum += std::log(x[j] == 1 ? Real(theta[j]) : 1 - Real(theta[j]));
      } else if (model_ == "gamma-poisson") {
        const Real rate = theta[j] * std::exp(offset);
        sum += x[j] * std::log(rate) - rate - std::lgamma(Real(x[j]) + 1);
      } else {
        sum += std::log(Real(theta[first + static_cast<std::size_t>(x[j])]));
        first += testing::level_count(j);
      }
    }
    return sum;
  }

 private:
  static Real normal(Real x, Real mean, Real precision) {
    return (std::log(precision / oracle::kTwoPi) - precision * (x - mean) * (x - mean)) / 2;
  }

  Real of_row(std::span<const double> x, std::span<const double> theta) const {
    const std::size_t d = x.size();
    oracle::Matrix lambda(d);
    oracle::Vector away;
    Real log_sd = 0;
    for (std::size_t i = 0; i < d; ++i) {
      away.push_back(Real(x[i]) - theta[i]);
      log_sd += std::log(Real(design_.sd[i]));
      for (std::size_t j = 0; j <= i; ++j) {
        lambda(i, j) = lambda(j, i) = theta[d + packed_index(i, j)];
      }
    }
    return (oracle::log_determinant(lambda) - Real(d) * std::log(oracle::kTwoPi) -
            oracle::dot(away, oracle::multiply(lambda, away))) /
               2 -
           log_sd;
  }

  std::string model_;
  const Design& design_;
};

class LikelihoodLaw : public ::testing::TestWithParam<ModelMember> {};

TEST_P(LikelihoodLaw, OfDrawsIsTheTextbooks) {
  const testing::TemporaryFolder folder;
  const auto self = make_self_communicator();
  testing::Setup setup(GetParam().job(folder), *self);
  const Posterior q = testing::train(setup.job, *self).posterior;
  constexpr std::uint32_t kDraws = 5;
  std::size_t dimension = 0;
  for (const Block& block : q.blocks()) dimension += block.family->dimension();
  std::vector<double> draws(kDraws * dimension), sums(kDraws, 1.5);
  for (std::uint32_t s = 0; s < kDraws; ++s) {
    std::span<double> theta = std::span(draws).subspan(s * dimension, dimension);
    std::uint32_t draw = s;
    for (const Block& block : q.blocks()) {
      block.family->sample(q.natural(block), {.seed = 3, .step = 0, .draw = draw},
                           theta.first(block.family->dimension()));
      theta = theta.subspan(block.family->dimension());
      draw += kDraws;
    }
  }
  const RowDensity density(setup.job.model.name, setup.data.design());
  std::vector<Real> expected(kDraws, 1.5L), magnitude(kDraws, 1.0L);
  for (std::size_t shard = 0; shard < setup.data.virtual_shards(); ++shard) {
    setup.data.visit(setup.stream, shard, [&](const Batch& batch) {
      setup.model->log_likelihood(batch, {draws.data(), kDraws, dimension}, sums);
      for (std::size_t i = 0; i < batch.rows(); ++i) {
        for (std::size_t s = 0; s < kDraws; ++s) {
          const Real term = (batch.weight.empty() ? 1.0 : batch.weight[i]) *
                            density({batch.x.data + i * batch.x.stride, batch.x.cols},
                                    batch.y.empty() ? 0.0 : batch.y[i],
                                    batch.offset.empty() ? 0.0 : batch.offset[i],
                                    std::span(draws).subspan(s * dimension, dimension));
          expected[s] += term;
          magnitude[s] += std::abs(term);
        }
      }
    });
  }
  for (std::size_t s = 0; s < kDraws; ++s) {
    EXPECT_NEAR(sums[s], static_cast<double>(expected[s]),
                1e-11 * static_cast<double>(magnitude[s]));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, LikelihoodLaw, ::testing::ValuesIn(conjugate_models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum::laws
