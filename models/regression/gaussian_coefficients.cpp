#include "models/regression/gaussian_coefficients.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/families/diagonal_gaussian.hpp"
#include "core/families/gaussian.hpp"
#include "kernels/cholesky.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gemm.hpp"
#include "kernels/random.hpp"

namespace bayesum {
namespace {

constexpr double kInitialPrecision = 100.0;

// Natural parameters of independent N(mean_j, 1 / precision_j), full or diagonal.
std::vector<double> independent_gaussians(bool full, std::span<const double> mean,
                                          std::span<const double> precision) {
  const std::size_t d = mean.size();
  std::vector<double> natural(full ? make_gaussian(d)->size() : make_diagonal_gaussian(d)->size());
  for (std::size_t j = 0; j < d; ++j) {
    natural[full ? j : 2 * j] = precision[j] * mean[j];
    natural[full ? d + packed_index(j, j) : 2 * j + 1] = -0.5 * precision[j];
  }
  return natural;
}

}  // namespace

std::vector<double> prior_means(std::span<const CoefficientPrior> coefficients) {
  std::vector<double> mean;
  for (const CoefficientPrior& prior : coefficients) {
    mean.push_back(prior.precision() == 0 ? 0.0 : prior.mean);
  }
  return mean;
}

Prior gaussian_prior(bool full, std::span<const CoefficientPrior> coefficients) {
  std::vector<double> precision;
  double log_partition = 0;
  for (const CoefficientPrior& prior : coefficients) {
    const double s = prior.precision();
    precision.push_back(s);
    if (s > 0) {
      log_partition += 0.5 * (s * prior.mean * prior.mean + std::log(2.0 * std::numbers::pi / s));
    }
  }
  return {independent_gaussians(full, prior_means(coefficients), precision), log_partition};
}

Posterior initial_gaussian(bool full, std::span<const CoefficientPrior> coefficients,
                           std::span<const double> mean) {
  std::vector<double> precision;
  for (const CoefficientPrior& prior : coefficients) {
    precision.push_back(prior.precision() + kInitialPrecision);
  }
  Posterior q;
  q.add_block("coefficients", make_family(full ? "gaussian" : "diagonal-gaussian", mean.size()));
  std::ranges::copy(independent_gaussians(full, mean, precision), q.natural().begin());
  return q;
}

std::vector<double> gaussian_mean(bool full, std::span<const double> natural, std::size_t d) {
  if (full) return GaussianMoments::from_natural(natural, d).mean;
  std::vector<double> mean(d);
  for (std::size_t j = 0; j < d; ++j) mean[j] = natural[2 * j] / (-2.0 * natural[2 * j + 1]);
  return mean;
}

std::vector<double> covariance_of(std::span<const double> inverse_factor, std::size_t d) {
  std::vector<double> covariance(d * d);
  const MatrixView<const double> factor(inverse_factor.data(), d, d);
  gemm(Stream(), {.transpose_a = Transpose::kYes}, factor, factor, {covariance.data(), d, d});
  return covariance;
}

double log_joint_at_mean(const Posterior& q, bool full, const Prior& prior, double loss) {
  const Family& family = *q.blocks().front().family;
  std::vector<double> statistic(q.size());
  family.sufficient_statistic(gaussian_mean(full, q.natural(), family.dimension()), statistic);
  return std::inner_product(statistic.begin(), statistic.end(), prior.natural.begin(),
                            -loss - prior.log_partition);
}

std::vector<double> antithetic_draws(bool full, std::span<const double> natural, std::size_t d,
                                     Range pairs, std::uint64_t seed) {
  const std::size_t count = pairs.size();
  std::vector<double> noise(count * d);
  for (std::size_t k = 0; k < count; ++k) {
    fill_normal(Stream(), {.seed = seed, .draw = static_cast<std::uint32_t>(pairs.first + k)}, 0,
                std::span(noise).subspan(k * d, d));
  }
  std::vector<double> mean;
  if (full) {
    auto q = GaussianMoments::from_natural(natural, d);
    solve_triangular(Stream(), Triangle::kLowerTransposed, q.factor_view(),
                     {noise.data(), count, d});
    mean = std::move(q.mean);
  } else {
    mean = gaussian_mean(false, natural, d);
    for (std::size_t i = 0; i < noise.size(); ++i) {
      noise[i] *= std::sqrt(-0.5 / natural[2 * (i % d) + 1]);
    }
  }
  std::vector<double> draws(2 * count * d);
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t j = 0; j < d; ++j) {
      draws[2 * k * d + j] = mean[j] + noise[k * d + j];
      draws[(2 * k + 1) * d + j] = mean[j] - noise[k * d + j];
    }
  }
  return draws;
}

void add_interleaved(const Stream& stream, std::span<const double> sums,
                     std::span<double> payload) {
  const std::size_t d = sums.size() / 2;
  for (std::size_t part = 0; part < 2; ++part) {
    apply(stream,
          AddScaled{.scale = 1.0,
                    .x = sums.data() + part * d,
                    .out = payload.data() + part,
                    .out_stride = 2},
          d);
  }
}

}  // namespace bayesum
