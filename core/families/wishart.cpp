#include "core/families/wishart.hpp"

#include <cmath>
#include <numbers>

#include "core/families/gaussian.hpp"
#include "core/families/special.hpp"
#include "kernels/cholesky.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

double degrees_of(std::span<const double> natural, std::size_t rows) {
  return 2.0 * natural[0] + static_cast<double>(rows) + 1.0;
}

WishartMoments moments_of(std::span<const double> natural, std::size_t rows) {
  return WishartMoments::from_packed(degrees_of(natural, rows), natural.subspan(1), rows);
}

void pack(std::span<const double> dense, std::size_t rows, std::span<double> packed) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) packed[packed_index(i, j)] = dense[i * rows + j];
  }
}

}  // namespace

WishartMoments WishartMoments::from_packed(double degrees, std::span<const double> packed,
                                           std::size_t rows) {
  WishartMoments q{degrees, rows, precision_from_packed(packed, rows)};
  if (!(degrees > static_cast<double>(rows) - 1.0) ||
      !cholesky(Stream(), {q.factor.data(), rows, rows})) {
    throw Error(ExitCode::kNumerical, "the precision matrix has no proper Wishart distribution");
  }
  return q;
}

// With M = E[Lambda] = n V:  log|M| - E[log|Lambda|] = D log(n / 2) - digamma_D(n / 2).
WishartMoments WishartMoments::from_mean(double expected_log_determinant,
                                         std::span<const double> packed_expectation,
                                         std::size_t rows) {
  auto expectation = symmetric_from_packed(packed_expectation, rows);
  if (!cholesky(Stream(), {expectation.data(), rows, rows})) {
    throw Error(ExitCode::kNumerical, "the mean of a Wishart is not positive definite");
  }
  const MatrixView<const double> factor{expectation.data(), rows, rows};
  const double gap = bayesum::log_determinant(Stream(), factor) - expected_log_determinant;
  WishartMoments q{special::wishart_degrees(gap, rows), rows, std::vector<double>(rows * rows)};
  for (std::size_t i = 0; i < rows; ++i) q.factor[i * rows + i] = q.degrees;  // W = n M^-1
  solve_cholesky(Stream(), factor, {q.factor.data(), rows, rows});
  if (!cholesky(Stream(), {q.factor.data(), rows, rows})) {
    throw Error(ExitCode::kNumerical, "the mean of a Wishart is singular within rounding");
  }
  return q;
}

double WishartMoments::log_determinant() const {
  return bayesum::log_determinant(Stream(), factor_view());
}

std::vector<double> WishartMoments::inverse_scale() const {
  std::vector<double> w(rows * rows);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k <= j; ++k) sum += factor[i * rows + k] * factor[j * rows + k];
      w[i * rows + j] = w[j * rows + i] = sum;
    }
  }
  return w;
}

std::vector<double> WishartMoments::scale() const {
  std::vector<double> scale(rows * rows);
  for (std::size_t i = 0; i < rows; ++i) scale[i * rows + i] = 1.0;
  solve_cholesky(Stream(), factor_view(), {scale.data(), rows, rows});
  return scale;
}

double WishartMoments::expected_log_determinant() const {
  return special::multivariate_digamma(0.5 * degrees, rows) +
         static_cast<double>(rows) * std::numbers::ln2 - log_determinant();
}

std::vector<double> WishartMoments::expectation() const {
  auto expectation = scale();
  for (double& x : expectation) x *= degrees;
  return expectation;
}

double WishartMoments::log_partition() const {
  return 0.5 * degrees * (static_cast<double>(rows) * std::numbers::ln2 - log_determinant()) +
         special::log_multivariate_gamma(0.5 * degrees, rows);
}

// log Gamma_D(n/2) - (n - D - 1) digamma_D(n/2) / 2 + n D / 2 + (D + 1) (D log 2 - log|W|) / 2
double WishartMoments::entropy() const {
  const auto d = static_cast<double>(rows);
  return special::log_multivariate_gamma(0.5 * degrees, rows) -
         0.5 * (degrees - d - 1.0) * special::multivariate_digamma(0.5 * degrees, rows) +
         0.5 * degrees * d + 0.5 * (d + 1.0) * (d * std::numbers::ln2 - log_determinant());
}

// Bartlett: Lambda = B B', B = C^-T A, A lower-triangular with independent elements, standard
// normal below the diagonal and chi on it, with n, n - 1, ... degrees of freedom.
std::vector<double> WishartMoments::sample(NoiseId id) const {
  std::vector<double> normals(packed_size(rows)), uniforms(rows), columns(rows * rows);
  fill_normal(Stream(), id, 0, normals);
  fill_uniform(Stream(), separate(id), 0, uniforms);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < i; ++j) columns[j * rows + i] = normals[packed_index(i, j)];
    const double shape = 0.5 * (degrees - static_cast<double>(i));
    columns[i * rows + i] = std::sqrt(2.0 * special::gamma_quantile(uniforms[i], shape));
  }
  solve_triangular(Stream(), Triangle::kLowerTransposed, factor_view(),
                   {columns.data(), rows, rows});
  std::vector<double> draw(rows * rows);
  for (std::size_t k = 0; k < rows; ++k) {
    const double* const column = columns.data() + k * rows;
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < rows; ++j) draw[i * rows + j] += column[i] * column[j];
    }
  }
  return draw;
}

// Var Lambda_ij = n (V_ij^2 + V_ii V_jj)
void WishartMoments::append_moments(Moments& moments) const {
  const auto v = scale();
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double here = v[i * rows + j];
      const double variance = here * here + v[i * rows + i] * v[j * rows + j];
      moments.mean.push_back(degrees * here);
      moments.sd.push_back(std::sqrt(degrees * variance));
    }
  }
}

namespace {

class Wishart final : public Family {
 public:
  explicit Wishart(std::size_t rows) : rows_(rows) {}

  std::string name() const override { return "wishart"; }
  std::size_t dimension() const override { return packed_size(rows_); }
  std::size_t size() const override { return 1 + packed_size(rows_); }

  bool proper(std::span<const double> natural) const override {
    std::vector<double> gaussian(rows_);  // a Gaussian of precision W about zero
    gaussian.insert(gaussian.end(), natural.begin() + 1, natural.end());
    return std::isfinite(natural[0]) && natural[0] > -1.0 && make_gaussian(rows_)->proper(gaussian);
  }

  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override {
    auto factor = symmetric_from_packed(theta, rows_);
    if (!cholesky(Stream(), {factor.data(), rows_, rows_})) {
      throw Error(ExitCode::kNumerical, "a precision matrix is not positive definite");
    }
    t[0] = log_determinant(Stream(), {factor.data(), rows_, rows_});
    for (std::size_t i = 0; i < theta.size(); ++i) t[1 + i] = theta[i];
  }

  double log_partition(std::span<const double> natural) const override {
    return moments_of(natural, rows_).log_partition();
  }

  double entropy(std::span<const double> natural) const override {
    return moments_of(natural, rows_).entropy();
  }

  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override {
    const auto q = moments_of(natural, rows_);
    mean[0] = q.expected_log_determinant();
    pack(q.expectation(), rows_, mean.subspan(1));
  }

  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override {
    const auto q = WishartMoments::from_mean(mean[0], mean.subspan(1), rows_);
    natural[0] = 0.5 * (q.degrees - static_cast<double>(rows_) - 1.0);
    const auto w = q.inverse_scale();
    packed_from_precision({w.data(), rows_, rows_}, natural.subspan(1));
  }

  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override {
    pack(moments_of(natural, rows_).sample(id), rows_, theta);
  }

  Moments moments(std::span<const double> natural) const override {
    Moments moments;
    moments_of(natural, rows_).append_moments(moments);
    return moments;
  }

 private:
  std::size_t rows_;
};

}  // namespace

std::shared_ptr<const Family> make_wishart(std::size_t rows) {
  return std::make_shared<Wishart>(rows);
}

}  // namespace bayesum
