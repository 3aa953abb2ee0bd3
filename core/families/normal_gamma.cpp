#include "core/families/normal_gamma.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/families/gaussian.hpp"
#include "core/families/special.hpp"
#include "kernels/cholesky.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

double quadratic_form(const NormalGammaMoments& q, std::span<const double> scaled_mean) {
  double sum = 0;
  for (std::size_t i = 0; i < q.mean.size(); ++i) sum += q.mean[i] * scaled_mean[i];
  return sum;
}

}  // namespace

NormalGammaMoments NormalGammaMoments::from_natural(std::span<const double> natural,
                                                    std::size_t coefficients) {
  const std::size_t d = coefficients;
  const auto scaled_mean = natural.subspan(2, d);
  const auto gaussian = GaussianMoments::from_natural(natural.subspan(2), d);
  NormalGammaMoments q;
  q.mean = gaussian.mean;
  q.factor = gaussian.factor;
  q.a = natural[0] + 1.0 - 0.5 * static_cast<double>(d);
  q.b = -natural[1] - 0.5 * quadratic_form(q, scaled_mean);
  if (!(q.a > 0) || !(q.b > 0)) {
    throw Error(ExitCode::kNumerical,
                "the precision of a Normal-Gamma has no proper Gamma distribution");
  }
  return q;
}

std::vector<double> NormalGammaMoments::inverse_scale() const {
  return GaussianMoments{mean, factor}.covariance();
}

namespace {

class NormalGamma final : public Family {
 public:
  explicit NormalGamma(std::size_t coefficients) : coefficients_(coefficients) {}

  std::string name() const override { return "normal-gamma"; }
  std::size_t dimension() const override { return coefficients_ + 1; }
  std::size_t size() const override { return 2 + coefficients_ + packed_size(coefficients_); }

  bool proper(std::span<const double> natural) const override {
    if (!std::ranges::all_of(natural, [](double x) { return std::isfinite(x); })) return false;
    if (!make_gaussian(coefficients_)->proper(natural.subspan(2))) return false;
    const auto gaussian = GaussianMoments::from_natural(natural.subspan(2), coefficients_);
    const double a = natural[0] + 1.0 - 0.5 * static_cast<double>(coefficients_);
    double b = -natural[1];
    for (std::size_t i = 0; i < coefficients_; ++i) b -= 0.5 * gaussian.mean[i] * natural[2 + i];
    return a > 0 && b > 0;
  }

  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override {
    const std::size_t d = coefficients_;
    const double tau = theta[d];
    t[0] = std::log(tau);
    t[1] = tau;
    make_gaussian(d)->sufficient_statistic(theta.first(d), t.subspan(2));
    for (double& x : t.subspan(2)) x *= tau;
  }

  double log_partition(std::span<const double> natural) const override {
    const auto q = NormalGammaMoments::from_natural(natural, coefficients_);
    const double log_determinant = bayesum::log_determinant(Stream(), q.factor_view());
    return special::log_gamma(q.a) - q.a * std::log(q.b) - 0.5 * log_determinant +
           0.5 * static_cast<double>(coefficients_) * std::log(2.0 * std::numbers::pi);
  }

  // That of tau, and of beta given tau, with E[log tau] = digamma(a) - log b:
  //   a - log b + log Gamma(a) + (1 - a) digamma(a)
  //   + (D (1 + log 2 pi) - log|Lambda| - D E[log tau]) / 2
  double entropy(std::span<const double> natural) const override {
    const auto q = NormalGammaMoments::from_natural(natural, coefficients_);
    const double digamma = special::digamma(q.a);
    const double log_rate = std::log(q.b);
    const double of_tau = q.a - log_rate + special::log_gamma(q.a) + (1.0 - q.a) * digamma;
    const double each = 1.0 + std::log(2.0 * std::numbers::pi) - (digamma - log_rate);
    return of_tau + 0.5 * (static_cast<double>(coefficients_) * each -
                           bayesum::log_determinant(Stream(), q.factor_view()));
  }

  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override {
    const std::size_t d = coefficients_;
    const auto q = NormalGammaMoments::from_natural(natural, d);
    const auto inverse_scale = q.inverse_scale();
    const double tau = q.a / q.b;
    mean[0] = special::digamma(q.a) - std::log(q.b);
    mean[1] = tau;
    for (std::size_t i = 0; i < d; ++i) {
      mean[2 + i] = tau * q.mean[i];
      for (std::size_t j = 0; j <= i; ++j) {
        mean[2 + d + packed_index(i, j)] = inverse_scale[i * d + j] + tau * q.mean[i] * q.mean[j];
      }
    }
  }

  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override {
    const std::size_t d = coefficients_;
    const double tau = mean[1];
    // The Gaussian with expectation parameters (m, Lambda^-1 + m m') has natural parameters
    // (Lambda m, -Lambda / 2): the tail of ours.
    std::vector<double> gaussian_mean(d + packed_size(d));
    for (std::size_t i = 0; i < d; ++i) gaussian_mean[i] = mean[2 + i] / tau;
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        const double product = gaussian_mean[i] * gaussian_mean[j];
        gaussian_mean[d + packed_index(i, j)] =
            mean[2 + d + packed_index(i, j)] - tau * product + product;
      }
    }
    make_gaussian(d)->natural_from_mean(gaussian_mean, natural.subspan(2));
    const double a = special::gamma_shape(std::log(tau) - mean[0]);
    double quadratic = 0;
    for (std::size_t i = 0; i < d; ++i) quadratic += gaussian_mean[i] * natural[2 + i];
    natural[0] = a - 1.0 + 0.5 * static_cast<double>(d);
    natural[1] = -(a / tau + 0.5 * quadratic);
  }

  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override {
    const std::size_t d = coefficients_;
    const auto q = NormalGammaMoments::from_natural(natural, d);
    double uniform = 0;
    fill_uniform(Stream(), separate(id), 0, {&uniform, 1});
    const double tau = special::gamma_quantile(uniform, q.a) / q.b;
    const auto beta = theta.first(d);
    fill_normal(Stream(), id, 0, beta);
    solve_triangular(Stream(), Triangle::kLowerTransposed, q.factor_view(), {beta.data(), 1, d});
    for (std::size_t i = 0; i < d; ++i) beta[i] = q.mean[i] + beta[i] / std::sqrt(tau);
    theta[d] = tau;
  }

  // Coefficients are Student-t with 2 a degrees of freedom.
  Moments moments(std::span<const double> natural) const override {
    auto q = NormalGammaMoments::from_natural(natural, coefficients_);
    const auto inverse_scale = q.inverse_scale();
    const double scale = std::sqrt(q.b / q.a) * special::student_t_sd(2.0 * q.a);
    Moments moments{std::move(q.mean), {}};
    for (std::size_t i = 0; i < coefficients_; ++i) {
      moments.sd.push_back(std::sqrt(inverse_scale[i * coefficients_ + i]) * scale);
    }
    moments.mean.push_back(q.a / q.b);
    moments.sd.push_back(std::sqrt(q.a) / q.b);
    return moments;
  }

 private:
  std::size_t coefficients_;
};

}  // namespace

std::shared_ptr<const Family> make_normal_gamma(std::size_t coefficients) {
  return std::make_shared<NormalGamma>(coefficients);
}

}  // namespace bayesum
