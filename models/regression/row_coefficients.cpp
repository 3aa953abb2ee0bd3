#include "models/regression/row_coefficients.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "core/families/diagonal_normal_gamma.hpp"
#include "core/families/normal_wishart.hpp"
#include "core/families/special.hpp"
#include "models/marginal.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kMostCorrelated = 8;  // columns whose correlations are shown
constexpr std::size_t kDraws = 4000;

// `unit` and `origin` bring a number from the design's scale, on which the prior is, to the data's.
Coefficient line(std::string name, const Marginal& posterior, const Marginal& prior,
                 double unit = 1.0, double origin = 0.0) {
  return Coefficient(std::move(name), rescaled(posterior, unit, origin), posterior.sd, prior.sd);
}

// Correlations of Gaussians whose 2 x 2 covariance is the inverse of a Wishart matrix: with A
// Bartlett's triangle [a, 0; c, d] and W = C C', the covariance is C A^-T A^-1 C', which leaves the
// correlation a function of W's own and of c / a and d / a.
class Correlations {
 public:
  explicit Correlations(double degrees) : c_(kDraws), a2_(kDraws), d2_(kDraws) {
    const NoiseId id{.seed = 0x636f7272};  // any; the same for whoever asks
    fill_normal(Stream(), id, 0, c_);
    fill_uniform(Stream(), separate(id), 0, a2_);
    fill_uniform(Stream(), separate(id), kDraws, d2_);
    for (double& x : a2_) x = 2.0 * special::gamma_quantile(x, 0.5 * degrees);
    for (double& x : d2_) x = 2.0 * special::gamma_quantile(x, 0.5 * (degrees - 1.0));
  }

  // `r` is the correlation of W.
  Marginal of(double r) const {
    const double s = std::sqrt(1.0 - r * r);
    std::vector<double> draws(kDraws);
    for (std::size_t i = 0; i < kDraws; ++i) {
      const double first = (d2_[i] + c_[i] * c_[i]) / a2_[i], cross = -c_[i] / std::sqrt(a2_[i]);
      const double covariance = r * first + s * cross;
      const double second = r * r * first + 2.0 * r * s * cross + s * s;
      draws[i] = covariance / std::sqrt(first * second);
    }
    std::ranges::sort(draws);
    const double mean = std::accumulate(draws.begin(), draws.end(), 0.0) / kDraws;
    double squares = 0;
    for (const double x : draws) squares += (x - mean) * (x - mean);
    return {mean, std::sqrt(squares / (kDraws - 1)), draws[kDraws / 40],
            draws[kDraws - 1 - kDraws / 40]};
  }

 private:
  std::vector<double> c_, a2_, d2_;
};

void append_correlations(const NormalWishartMoments& q, std::span<const double> w,
                         const TrainedModel& trained, std::vector<Coefficient>& table) {
  const std::size_t d = q.mean.size();
  if (d > kMostCorrelated) return;
  const Correlations posterior(q.degrees_of_freedom() + 1.0);
  const Marginal prior = Correlations(trained.prior_config.degrees + 1.0).of(0.0);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double r = w[i * d + j] / std::sqrt(w[i * d + i] * w[j * d + j]);
      const auto& names = trained.design.features;
      table.push_back(line("cor." + names[j] + "." + names[i], posterior.of(r), prior));
    }
  }
}

}  // namespace

std::vector<Coefficient> beta_bernoulli_coefficients(const TrainedModel& trained) {
  const auto natural = trained.posterior.natural();
  const Marginal prior = beta_marginal(trained.prior_config.alpha, trained.prior_config.beta);
  std::vector<Coefficient> table;
  for (std::size_t k = 0; k < trained.design.features.size(); ++k) {
    table.push_back(line(trained.design.features[k],
                         beta_marginal(natural[2 * k] + 1.0, natural[2 * k + 1] + 1.0), prior));
  }
  return table;
}

std::vector<Coefficient> dirichlet_categorical_coefficients(const TrainedModel& trained) {
  const double concentration = trained.prior_config.concentration;
  std::vector<Coefficient> table;
  for (std::size_t k = 0; k < trained.design.inputs.size(); ++k) {
    const Input& input = trained.design.inputs[k];
    const auto natural = trained.posterior.natural(trained.posterior.blocks()[k]);
    double total = 0;
    for (const double x : natural) total += x + 1.0;
    const auto others = static_cast<double>(natural.size() - 1);
    const Marginal prior = beta_marginal(concentration, others * concentration);
    for (std::size_t level = 0; level < natural.size(); ++level) {
      const double alpha = natural[level] + 1.0;
      table.push_back(
          line(input.name + "=" + input.levels[level], beta_marginal(alpha, total - alpha), prior));
    }
  }
  return table;
}

std::vector<Coefficient> gamma_poisson_coefficients(const TrainedModel& trained) {
  const auto natural = trained.posterior.natural();
  const Marginal prior = gamma_marginal(trained.prior_config.shape, trained.prior_config.rate);
  std::vector<Coefficient> table;
  for (std::size_t k = 0; k < trained.design.features.size(); ++k) {
    table.push_back(line(trained.design.features[k],
                         gamma_marginal(natural[2 * k] + 1.0, -natural[2 * k + 1]), prior));
  }
  return table;
}

std::vector<Coefficient> gaussian_coefficients(const TrainedModel& trained) {
  const Design& design = trained.design;
  const PriorConfig& config = trained.prior_config;
  const Marginal prior_mean = student_t_marginal(
      config.mean, std::sqrt(config.rate / (config.shape * config.strength)), 2.0 * config.shape);
  const Marginal prior_sd = sd_marginal(config.shape, config.rate);
  std::vector<Coefficient> means, sds;
  for (std::size_t k = 0; k < design.features.size(); ++k) {
    const auto q = NormalGammaChart::from_natural(trained.posterior.natural().subspan(4 * k, 4));
    const double scale = std::sqrt(q.rate / (q.shape * q.kappa));
    means.push_back(line("mean." + design.features[k],
                         student_t_marginal(q.mean, scale, 2.0 * q.shape), prior_mean, design.sd[k],
                         design.mean[k]));
    sds.push_back(
        line("sd." + design.features[k], sd_marginal(q.shape, q.rate), prior_sd, design.sd[k]));
  }
  means.insert(means.end(), sds.begin(), sds.end());
  return means;
}

// The variance of column k is the inverse of a Gamma((n - D + 1) / 2, W_kk / 2).
std::vector<Coefficient> multivariate_gaussian_coefficients(const TrainedModel& trained) {
  const Design& design = trained.design;
  const PriorConfig& config = trained.prior_config;
  const std::size_t d = design.features.size();
  const auto q = NormalWishartMoments::from_natural(trained.posterior.natural(), d);
  const auto scales = q.scales();
  const auto w = q.precision.inverse_scale();
  const double nu = q.degrees_of_freedom();
  const Marginal prior_mean = student_t_marginal(
      config.mean, config.scale / std::sqrt(config.strength * config.degrees), config.degrees);
  const Marginal prior_sd = sd_marginal(0.5 * config.degrees, 0.5 * config.scale * config.scale);
  std::vector<Coefficient> table;
  for (std::size_t k = 0; k < d; ++k) {
    table.push_back(line("mean." + design.features[k], student_t_marginal(q.mean[k], scales[k], nu),
                         prior_mean, design.sd[k], design.mean[k]));
  }
  for (std::size_t k = 0; k < d; ++k) {
    table.push_back(line("sd." + design.features[k], sd_marginal(0.5 * nu, 0.5 * w[k * d + k]),
                         prior_sd, design.sd[k]));
  }
  append_correlations(q, w, trained, table);
  return table;
}

}  // namespace bayesum
