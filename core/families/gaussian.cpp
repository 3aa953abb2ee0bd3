#include "core/families/gaussian.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "kernels/cholesky.hpp"
#include "kernels/error.hpp"
#include "kernels/gemm.hpp"

namespace bayesum {
namespace {

std::vector<double> solve(const std::vector<double>& factor, std::span<const double> right) {
  const std::size_t d = right.size();
  std::vector<double> x(right.begin(), right.end());
  solve_cholesky(Stream(), {factor.data(), d, d}, {x.data(), 1, d});
  return x;
}

}  // namespace

std::vector<double> symmetric_from_packed(std::span<const double> packed, std::size_t dimension) {
  std::vector<double> dense(dimension * dimension);
  for (std::size_t i = 0; i < dimension; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      dense[i * dimension + j] = dense[j * dimension + i] = packed[packed_index(i, j)];
    }
  }
  return dense;
}

std::vector<double> precision_from_packed(std::span<const double> packed, std::size_t dimension) {
  std::vector<double> precision(dimension * dimension);
  for (std::size_t i = 0; i < dimension; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      precision[i * dimension + j] = precision[j * dimension + i] = -packed[packed_index(i, j)];
    }
    precision[i * dimension + i] = -2.0 * packed[packed_index(i, i)];
  }
  return precision;
}

void packed_from_precision(MatrixView<const double> precision, std::span<double> packed) {
  for (std::size_t i = 0; i < precision.rows; ++i) {
    const double* row = precision.data + i * precision.stride;
    for (std::size_t j = 0; j < i; ++j) packed[packed_index(i, j)] = -row[j];
    packed[packed_index(i, i)] = -0.5 * row[i];
  }
}

void packed_outer(std::span<const double> x, MatrixView<const double> added,
                  std::span<double> packed) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      packed[packed_index(i, j)] = x[i] * x[j] + added.data[i * added.stride + j];
    }
  }
}

GaussianMoments GaussianMoments::from_natural(std::span<const double> natural,
                                              std::size_t dimension) {
  GaussianMoments q;
  q.factor = precision_from_packed(natural.subspan(dimension), dimension);
  if (!cholesky(Stream(), {q.factor.data(), dimension, dimension})) {
    throw Error(ExitCode::kNumerical, "the precision of a Gaussian is not positive definite");
  }
  q.mean = solve(q.factor, natural.first(dimension));
  return q;
}

std::vector<double> GaussianMoments::to_natural() const {
  const std::size_t d = dimension();
  std::vector<double> natural(d + packed_size(d));
  std::vector<double> precision(d * d);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double s = 0;
      for (std::size_t k = 0; k <= j; ++k) s += factor[i * d + k] * factor[j * d + k];
      precision[i * d + j] = precision[j * d + i] = s;
    }
  }
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) natural[i] += precision[i * d + j] * mean[j];
  }
  packed_from_precision({precision.data(), d, d}, std::span(natural).subspan(d));
  return natural;
}

std::vector<double> GaussianMoments::covariance() const {
  const std::size_t d = dimension();
  std::vector<double> identity(d * d);
  for (std::size_t i = 0; i < d; ++i) identity[i * d + i] = 1.0;
  solve_cholesky(Stream(), factor_view(), {identity.data(), d, d});
  return identity;
}

std::vector<double> GaussianMoments::inverse_factor() const {
  std::vector<double> inverse(factor.size());
  invert_triangular(Stream(), factor_view(), {inverse.data(), dimension(), dimension()});
  return inverse;
}

double GaussianMoments::log_determinant() const {
  return bayesum::log_determinant(Stream(), factor_view());
}

namespace {

class Gaussian final : public Family {
 public:
  explicit Gaussian(std::size_t dimension) : dimension_(dimension) {}

  std::string name() const override { return "gaussian"; }
  std::size_t dimension() const override { return dimension_; }
  std::size_t size() const override { return dimension_ + packed_size(dimension_); }

  bool proper(std::span<const double> natural) const override {
    if (!std::ranges::all_of(natural, [](double x) { return std::isfinite(x); })) return false;
    // What is left of a diagonal element is rounding when it is this small (Higham, "Accuracy and
    // stability of numerical algorithms", theorem 10.3, with a margin of ten).
    const double rounding =
        10.0 * static_cast<double>(dimension_) * std::numeric_limits<double>::epsilon();
    const auto precision = precision_from_packed(natural.subspan(dimension_), dimension_);
    auto factor = precision;
    if (!cholesky(Stream(), {factor.data(), dimension_, dimension_})) return false;
    for (std::size_t i = 0; i < dimension_ * dimension_; i += dimension_ + 1) {
      if (!(factor[i] * factor[i] > rounding * precision[i])) return false;
    }
    return true;
  }

  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override {
    const std::vector<double> zero(dimension_ * dimension_);
    std::ranges::copy(theta, t.begin());
    packed_outer(theta, {zero.data(), dimension_, dimension_}, t.subspan(dimension_));
  }

  double log_partition(std::span<const double> natural) const override {
    const auto q = GaussianMoments::from_natural(natural, dimension_);
    double quadratic = 0;
    for (std::size_t i = 0; i < dimension_; ++i) quadratic += natural[i] * q.mean[i];
    return 0.5 * (quadratic - q.log_determinant() +
                  static_cast<double>(dimension_) * std::log(2.0 * std::numbers::pi));
  }

  // D (1 + log 2 pi) / 2 - log|S| / 2
  double entropy(std::span<const double> natural) const override {
    const auto q = GaussianMoments::from_natural(natural, dimension_);
    return 0.5 * (static_cast<double>(dimension_) * (1.0 + std::log(2.0 * std::numbers::pi)) -
                  q.log_determinant());
  }

  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override {
    const auto q = GaussianMoments::from_natural(natural, dimension_);
    const auto covariance = q.covariance();
    std::ranges::copy(q.mean, mean.begin());
    packed_outer(q.mean, {covariance.data(), dimension_, dimension_}, mean.subspan(dimension_));
  }

  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override {
    const std::size_t d = dimension_;
    std::vector<double> covariance(d * d);
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        covariance[i * d + j] = covariance[j * d + i] =
            mean[d + packed_index(i, j)] - mean[i] * mean[j];
      }
    }
    if (!cholesky(Stream(), {covariance.data(), d, d})) {
      throw Error(ExitCode::kNumerical, "the covariance of a Gaussian is not positive definite");
    }
    std::vector<double> precision(d * d);
    for (std::size_t i = 0; i < d; ++i) precision[i * d + i] = 1.0;
    solve_cholesky(Stream(), {covariance.data(), d, d}, {precision.data(), d, d});
    for (std::size_t i = 0; i < d; ++i) {
      natural[i] = 0;
      for (std::size_t j = 0; j < d; ++j) natural[i] += precision[i * d + j] * mean[j];
    }
    packed_from_precision({precision.data(), d, d}, natural.subspan(d));
  }

  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override {
    const auto q = GaussianMoments::from_natural(natural, dimension_);
    fill_normal(Stream(), id, 0, theta);
    solve_triangular(Stream(), Triangle::kLowerTransposed, q.factor_view(),
                     {theta.data(), 1, dimension_});
    for (std::size_t i = 0; i < dimension_; ++i) theta[i] += q.mean[i];
  }

  Moments moments(std::span<const double> natural) const override {
    auto q = GaussianMoments::from_natural(natural, dimension_);
    const auto covariance = q.covariance();
    Moments moments{std::move(q.mean), std::vector<double>(dimension_)};
    for (std::size_t i = 0; i < dimension_; ++i) {
      moments.sd[i] = std::sqrt(covariance[i * dimension_ + i]);
    }
    return moments;
  }

  void natural_from_centred(std::span<const double> natural, std::span<const double> centred,
                            std::span<double> message) const override {
    const std::size_t d = dimension_;
    const auto mean = GaussianMoments::from_natural(natural, d).mean;
    const auto hessian = centred.subspan(d);
    const auto packed = message.subspan(d);
    for (std::size_t i = 0; i < d; ++i) message[i] = -centred[i];
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const double h = hessian[packed_index(i, j)];
        message[i] += h * mean[j];
        message[j] += h * mean[i];
        packed[packed_index(i, j)] = -h;
      }
      const double h = hessian[packed_index(i, i)];
      message[i] += h * mean[i];
      packed[packed_index(i, i)] = -0.5 * h;
    }
  }

  // target = (S_prior m_prior + H m - g, S_prior + H): its gradient at m is target_1 - target_2 m.
  void retract(double rho, std::span<const double> natural, std::span<const double> target,
               std::span<double> next) const override {
    const std::size_t d = dimension_;
    const Stream host;
    const auto q = GaussianMoments::from_natural(natural, d);
    auto moved = precision_from_packed(natural.subspan(d), d);
    const auto wanted = precision_from_packed(target.subspan(d), d);
    std::vector<double> gap(d * d);  // D = S - wanted
    for (std::size_t i = 0; i < d * d; ++i) gap[i] = moved[i] - wanted[i];
    const auto inverse = q.inverse_factor();
    std::vector<double> u(d * d);  // U = L' - rho L^-1 D
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = i; j < d; ++j) u[i * d + j] = q.factor[j * d + i];
    }
    gemm(host, {.alpha = -rho, .beta = 1.0}, {inverse.data(), d, d}, {gap.data(), d, d},
         {u.data(), d, d});
    gemm(host, {.transpose_a = Transpose::kYes, .alpha = 0.5, .beta = 0.5}, {u.data(), d, d},
         {u.data(), d, d}, {moved.data(), d, d});

    // S_new m_new = S_new m + rho (target_1 - wanted m).
    for (std::size_t i = 0; i < d; ++i) {
      double ascent = target[i];
      double carried = 0;
      for (std::size_t j = 0; j < d; ++j) {
        ascent -= wanted[i * d + j] * q.mean[j];
        carried += moved[i * d + j] * q.mean[j];
      }
      next[i] = carried + rho * ascent;
    }
    packed_from_precision({moved.data(), d, d}, next.subspan(d));
  }

 private:
  std::size_t dimension_;
};

}  // namespace

std::shared_ptr<const Family> make_gaussian(std::size_t dimension) {
  return std::make_shared<Gaussian>(dimension);
}

}  // namespace bayesum
