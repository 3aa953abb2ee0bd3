#include "core/families/normal_wishart.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/families/gaussian.hpp"
#include "core/families/special.hpp"
#include "kernels/cholesky.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

// The packed part of lambda of W itself: without kappa m m'.
std::vector<double> packed_inverse_scale(std::span<const double> natural, std::size_t rows) {
  const double kappa = -2.0 * natural[1];
  const auto scaled_mean = natural.subspan(2, rows);
  std::vector<double> packed(natural.begin() + static_cast<std::ptrdiff_t>(2 + rows),
                             natural.end());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double product = scaled_mean[i] * (scaled_mean[j] / kappa);
      packed[packed_index(i, j)] += i == j ? 0.5 * product : product;
    }
  }
  return packed;
}

// Lambda x, Lambda dense.
std::vector<double> product(std::span<const double> dense, std::span<const double> x) {
  std::vector<double> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) y[i] += dense[i * x.size() + j] * x[j];
  }
  return y;
}

double inner(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

NormalWishartMoments NormalWishartMoments::from_natural(std::span<const double> natural,
                                                        std::size_t rows) {
  NormalWishartMoments q;
  q.kappa = -2.0 * natural[1];
  if (!(q.kappa > 0)) {
    throw Error(ExitCode::kNumerical, "the mean of a Normal-Wishart has no proper distribution");
  }
  for (std::size_t i = 0; i < rows; ++i) q.mean.push_back(natural[2 + i] / q.kappa);
  q.precision = WishartMoments::from_packed(2.0 * natural[0] + static_cast<double>(rows),
                                            packed_inverse_scale(natural, rows), rows);
  return q;
}

std::vector<double> NormalWishartMoments::to_natural() const {
  const std::size_t d = mean.size();
  std::vector<double> natural(2 + d + packed_size(d));
  natural[0] = 0.5 * (precision.degrees - static_cast<double>(d));
  natural[1] = -0.5 * kappa;
  auto g = precision.inverse_scale();
  for (std::size_t i = 0; i < d; ++i) {
    natural[2 + i] = kappa * mean[i];
    for (std::size_t j = 0; j < d; ++j) g[i * d + j] += kappa * mean[i] * mean[j];
  }
  packed_from_precision({g.data(), d, d}, std::span(natural).subspan(2 + d));
  return natural;
}

std::vector<double> NormalWishartMoments::scales() const {
  const std::size_t d = mean.size();
  const auto w = precision.inverse_scale();
  std::vector<double> scales(d);
  for (std::size_t i = 0; i < d; ++i) {
    scales[i] = std::sqrt(w[i * d + i] / (kappa * degrees_of_freedom()));
  }
  return scales;
}

namespace {

class NormalWishart final : public Family {
 public:
  explicit NormalWishart(std::size_t rows) : rows_(rows) {}

  std::string name() const override { return "normal-wishart"; }
  std::size_t dimension() const override { return rows_ + packed_size(rows_); }
  std::size_t size() const override { return 2 + rows_ + packed_size(rows_); }

  bool proper(std::span<const double> natural) const override {
    if (!std::isfinite(natural[1]) || !(natural[1] < 0)) return false;
    std::vector<double> wishart = {natural[0] - 0.5};
    const auto packed = packed_inverse_scale(natural, rows_);
    wishart.insert(wishart.end(), packed.begin(), packed.end());
    return make_wishart(rows_)->proper(wishart);
  }

  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override {
    const std::size_t d = rows_;
    const auto x = theta.first(d);
    const auto scaled = product(symmetric_from_packed(theta.subspan(d), d), x);
    std::vector<double> of_wishart(1 + packed_size(d));
    make_wishart(d)->sufficient_statistic(theta.subspan(d), of_wishart);
    t[0] = of_wishart[0];
    t[1] = inner(x, scaled);
    for (std::size_t i = 0; i < d; ++i) t[2 + i] = scaled[i];
    for (std::size_t i = 0; i < packed_size(d); ++i) t[2 + d + i] = of_wishart[1 + i];
  }

  double log_partition(std::span<const double> natural) const override {
    const auto q = NormalWishartMoments::from_natural(natural, rows_);
    return q.precision.log_partition() +
           0.5 * static_cast<double>(rows_) * std::log(2.0 * std::numbers::pi / q.kappa);
  }

  // That of Lambda, and of x given Lambda: (D (1 + log(2 pi / kappa)) - E[log|Lambda|]) / 2
  double entropy(std::span<const double> natural) const override {
    const auto q = NormalWishartMoments::from_natural(natural, rows_);
    const double each = 1.0 + std::log(2.0 * std::numbers::pi / q.kappa);
    return q.precision.entropy() +
           0.5 * (static_cast<double>(rows_) * each - q.precision.expected_log_determinant());
  }

  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override {
    const std::size_t d = rows_;
    const auto q = NormalWishartMoments::from_natural(natural, d);
    const auto expectation = q.precision.expectation();
    const auto scaled = product(expectation, q.mean);
    mean[0] = q.precision.expected_log_determinant();
    mean[1] = inner(q.mean, scaled) + static_cast<double>(d) / q.kappa;
    for (std::size_t i = 0; i < d; ++i) {
      mean[2 + i] = scaled[i];
      for (std::size_t j = 0; j <= i; ++j) {
        mean[2 + d + packed_index(i, j)] = expectation[i * d + j];
      }
    }
  }

  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override {
    const std::size_t d = rows_;
    NormalWishartMoments q;
    q.precision = WishartMoments::from_mean(mean[0], mean.subspan(2 + d), d);
    // m = E[Lambda]^-1 E[Lambda x], and E[Lambda]^-1 = W / n.
    const auto scaled = mean.subspan(2, d);
    q.mean = product(q.precision.inverse_scale(), scaled);
    for (double& x : q.mean) x /= q.precision.degrees;
    q.kappa = static_cast<double>(d) / (mean[1] - inner(q.mean, scaled));
    std::ranges::copy(q.to_natural(), natural.begin());
  }

  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override {
    const std::size_t d = rows_;
    const auto q = NormalWishartMoments::from_natural(natural, d);
    auto factor = q.precision.sample(id);
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j <= i; ++j) theta[d + packed_index(i, j)] = factor[i * d + j];
    }
    if (!cholesky(Stream(), {factor.data(), d, d})) {
      throw Error(ExitCode::kNumerical, "a draw of a precision matrix is not positive definite");
    }
    const auto x = theta.first(d);
    fill_normal(Stream(), id, packed_size(d), x);  // what follows the normal numbers of Lambda
    solve_triangular(Stream(), Triangle::kLowerTransposed, {factor.data(), d, d}, {x.data(), 1, d});
    for (std::size_t i = 0; i < d; ++i) x[i] = q.mean[i] + x[i] / std::sqrt(q.kappa);
  }

  Moments moments(std::span<const double> natural) const override {
    const auto q = NormalWishartMoments::from_natural(natural, rows_);
    Moments moments{q.mean, q.scales()};
    for (double& sd : moments.sd) sd *= special::student_t_sd(q.degrees_of_freedom());
    q.precision.append_moments(moments);
    return moments;
  }

 private:
  std::size_t rows_;
};

}  // namespace

std::shared_ptr<const Family> make_normal_wishart(std::size_t rows) {
  return std::make_shared<NormalWishart>(rows);
}

}  // namespace bayesum
