#include "tests/laws/families.hpp"

#include <array>
#include <random>

namespace bayesum::laws {
namespace {

using oracle::kTwoPi;
using oracle::Matrix;
using oracle::Real;
using oracle::Vector;
using Random = std::mt19937_64;

std::vector<double> rounded(const Vector& values) { return {values.begin(), values.end()}; }

Vector normals(Random& random, std::size_t size, Real scale) {
  Vector values(size);
  for (Real& value : values) value = scale * std::normal_distribution<double>()(random);
  return values;
}

// A random positive definite matrix; the scales of its coordinates spread over a factor `spread`.
Matrix precision(Random& random, std::size_t d, Real scale, Real spread) {
  Matrix s(d);
  const Vector a = normals(random, d * d, 1);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t k = 0; k < d; ++k) s(i, j) += a[i * d + k] * a[j * d + k] / Real(d);
      if (i == j) s(i, j) += 0.2L;
    }
  }
  const auto axis = [&](std::size_t i) {
    return d == 1 ? 1 : std::pow(spread, Real(i) / Real(d - 1));
  };
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) s(i, j) *= scale * axis(i) * axis(j);
  }
  return s;
}

Real quadratic(const Matrix& s, const Vector& m, std::span<const double> theta) {
  Vector r(m.size());
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = theta[i] - m[i];
  return oracle::dot(r, oracle::multiply(s, r));
}

struct Regime {
  Real mean = 1;       // the size of the means
  Real precision = 1;  // of the precisions
  Real spread = 1;
};

FamilyMember gaussian(const std::string& regime_name, std::size_t d, const Regime& regime) {
  Random random(d + 17);
  const Matrix s = precision(random, d, regime.precision, regime.spread);
  const Vector m = normals(random, d, regime.mean);
  Vector natural = oracle::multiply(s, m);
  const Vector tail = oracle::packed(s);
  natural.insert(natural.end(), tail.begin(), tail.end());
  const Real constant = (oracle::log_determinant(s) - Real(d) * std::log(kTwoPi)) / 2;
  return {"gaussian_" + std::to_string(d) + regime_name, make_family("gaussian", d),
          rounded(natural),
          [=](std::span<const double> theta) { return constant - quadratic(s, m, theta) / 2; }};
}

FamilyMember diagonal_gaussian(const std::string& regime_name, std::size_t d,
                               const Regime& regime) {
  Random random(d + 31);
  const Vector m = normals(random, d, regime.mean);
  const Vector logarithms = normals(random, d, std::log(regime.spread) / 2);
  Matrix s(d);
  Vector natural;
  for (std::size_t i = 0; i < d; ++i) {
    s(i, i) = regime.precision * std::exp(logarithms[i]);
    natural.insert(natural.end(), {s(i, i) * m[i], -s(i, i) / 2});
  }
  const Real constant = (oracle::log_determinant(s) - Real(d) * std::log(kTwoPi)) / 2;
  return {"diagonal_gaussian_" + std::to_string(d) + regime_name,
          make_family("diagonal-gaussian", d), rounded(natural),
          [=](std::span<const double> theta) { return constant - quadratic(s, m, theta) / 2; }};
}

// tau ~ Gamma(a, rate b), beta | tau ~ N(m, (tau Lambda)^-1).
FamilyMember normal_gamma(const std::string& regime_name, std::size_t d, Real a, Real b,
                          const Regime& regime) {
  Random random(d + 47);
  const Matrix lambda = precision(random, d, regime.precision, regime.spread);
  const Vector m = normals(random, d, regime.mean);
  const Vector scaled = oracle::multiply(lambda, m);
  Vector natural = {a - 1 + Real(d) / 2, -(b + oracle::dot(m, scaled) / 2)};
  natural.insert(natural.end(), scaled.begin(), scaled.end());
  const Vector tail = oracle::packed(lambda);
  natural.insert(natural.end(), tail.begin(), tail.end());
  const Real constant = a * std::log(b) - std::lgamma(a) +
                        (oracle::log_determinant(lambda) - Real(d) * std::log(kTwoPi)) / 2;
  return {"normal_gamma_" + std::to_string(d) + regime_name, make_family("normal-gamma", d + 1),
          rounded(natural), [=](std::span<const double> theta) {
            const Real tau = theta[d];
            return constant + (a - 1 + Real(d) / 2) * std::log(tau) - b * tau -
                   tau * quadratic(lambda, m, theta) / 2;
          }};
}

FamilyMember beta(const std::string& regime_name, const Vector& shapes) {
  Vector natural;
  for (const Real shape : shapes) natural.push_back(shape - 1);
  return {"beta_" + std::to_string(shapes.size() / 2) + regime_name,
          make_family("beta", shapes.size() / 2), rounded(natural),
          [=](std::span<const double> theta) {
            Real sum = 0;
            for (std::size_t k = 0; k < theta.size(); ++k) {
              const Real a = shapes[2 * k], b = shapes[2 * k + 1];
              sum += std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                     (a - 1) * std::log(Real(theta[k])) + (b - 1) * std::log1p(-Real(theta[k]));
            }
            return sum;
          }};
}

FamilyMember bernoulli(const std::string& regime_name, const Vector& logits) {
  return {"bernoulli_" + std::to_string(logits.size()) + regime_name,
          make_family("bernoulli", logits.size()), rounded(logits),
          [=](std::span<const double> theta) {
            Real sum = 0;
            for (std::size_t k = 0; k < theta.size(); ++k) {
              sum -= std::log1p(std::exp(theta[k] > 0.5 ? -logits[k] : logits[k]));
            }
            return sum;
          }};
}

FamilyMember gamma(const std::string& regime_name, const Vector& shapes_and_rates) {
  Vector natural;
  for (std::size_t i = 0; i < shapes_and_rates.size(); i += 2) {
    natural.insert(natural.end(), {shapes_and_rates[i] - 1, -shapes_and_rates[i + 1]});
  }
  return {"gamma_" + std::to_string(shapes_and_rates.size() / 2) + regime_name,
          make_family("gamma", shapes_and_rates.size() / 2), rounded(natural),
          [=](std::span<const double> theta) {
            Real sum = 0;
            for (std::size_t k = 0; k < theta.size(); ++k) {
              const Real a = shapes_and_rates[2 * k], b = shapes_and_rates[2 * k + 1];
              sum += a * std::log(b) - std::lgamma(a) + (a - 1) * std::log(Real(theta[k])) -
                     b * theta[k];
            }
            return sum;
          }};
}

FamilyMember poisson(const std::string& regime_name, const Vector& rates) {
  Vector natural;
  for (const Real rate : rates) natural.push_back(std::log(rate));
  return {"poisson_" + std::to_string(rates.size()) + regime_name,
          make_family("poisson", rates.size()), rounded(natural),
          [=](std::span<const double> theta) {
            Real sum = 0;
            for (std::size_t k = 0; k < theta.size(); ++k) {
              sum += theta[k] * std::log(rates[k]) - rates[k] - std::lgamma(Real(theta[k]) + 1);
            }
            return sum;
          }};
}

// Of each column (a, b, m, kappa).
FamilyMember diagonal_normal_gamma(const std::string& regime_name,
                                   const std::vector<std::array<Real, 4>>& columns) {
  Vector natural;
  for (const auto& [a, b, m, kappa] : columns) {
    natural.insert(natural.end(), {a - 0.5L, -(b + kappa * m * m / 2), kappa * m, -kappa / 2});
  }
  return {"diagonal_normal_gamma_" + std::to_string(columns.size()) + regime_name,
          make_family("diagonal-normal-gamma", 2 * columns.size()), rounded(natural),
          [=](std::span<const double> theta) {
            Real sum = 0;
            for (std::size_t k = 0; k < columns.size(); ++k) {
              const auto& [a, b, m, kappa] = columns[k];
              const Real x = theta[2 * k], tau = theta[2 * k + 1];
              sum += a * std::log(b) - std::lgamma(a) + (a - 1) * std::log(tau) - b * tau +
                     (std::log(kappa * tau / kTwoPi) - kappa * tau * (x - m) * (x - m)) / 2;
            }
            return sum;
          }};
}

Real log_multivariate_gamma(Real x, std::size_t d) {
  Real sum = 0;
  for (std::size_t i = 0; i < d; ++i) {
    sum += Real(i) / 2 * std::log(kTwoPi / 2) + std::lgamma(x - Real(i) / 2);
  }
  return sum;
}

// Bishop (2006), B.78 and B.79, of the matrix whose packed triangle begins at `packed`.
Real log_wishart(Real n, const Matrix& w, std::span<const double> packed) {
  const std::size_t d = w.size;
  Matrix lambda(d);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      lambda(i, j) = lambda(j, i) = packed[packed_index(i, j)];
    }
  }
  Real trace = 0;
  const Matrix product = oracle::multiply(w, lambda);
  for (std::size_t i = 0; i < d; ++i) trace += product(i, i);
  return (n - Real(d) - 1) / 2 * oracle::log_determinant(lambda) - trace / 2 +
         n / 2 * (oracle::log_determinant(w) - Real(d) * std::log(Real(2))) -
         log_multivariate_gamma(n / 2, d);
}

FamilyMember wishart(const std::string& regime_name, std::size_t d, Real n, const Regime& regime) {
  Random random(d + 61);
  const Matrix w = precision(random, d, regime.precision, regime.spread);
  Vector natural = {(n - Real(d) - 1) / 2};
  const Vector tail = oracle::packed(w);
  natural.insert(natural.end(), tail.begin(), tail.end());
  return {"wishart_" + std::to_string(d) + regime_name, make_family("wishart", packed_size(d)),
          rounded(natural),
          [=](std::span<const double> theta) { return log_wishart(n, w, theta); }};
}

FamilyMember normal_wishart(const std::string& regime_name, std::size_t d, Real n, Real kappa,
                            const Regime& regime) {
  Random random(d + 73);
  const Matrix w = precision(random, d, regime.precision, regime.spread);
  const Vector m = normals(random, d, regime.mean);
  Vector natural = {(n - Real(d)) / 2, -kappa / 2};
  Matrix g = w;
  for (std::size_t i = 0; i < d; ++i) {
    natural.push_back(kappa * m[i]);
    for (std::size_t j = 0; j < d; ++j) g(i, j) += kappa * m[i] * m[j];
  }
  const Vector tail = oracle::packed(g);
  natural.insert(natural.end(), tail.begin(), tail.end());
  return {"normal_wishart_" + std::to_string(d) + regime_name,
          make_family("normal-wishart", d + packed_size(d)), rounded(natural),
          [=](std::span<const double> theta) {
            Matrix scaled(d);
            for (std::size_t i = 0; i < d; ++i) {
              for (std::size_t j = 0; j <= i; ++j) {
                scaled(i, j) = scaled(j, i) = kappa * theta[d + packed_index(i, j)];
              }
            }
            return log_wishart(n, w, theta.subspan(d)) +
                   (oracle::log_determinant(scaled) - Real(d) * std::log(kTwoPi) -
                    quadratic(scaled, m, theta)) /
                       2;
          }};
}

FamilyMember dirichlet(const std::string& regime_name, const Vector& alpha) {
  Vector natural;
  for (const Real a : alpha) natural.push_back(a - 1);
  return {"dirichlet_" + std::to_string(alpha.size()) + regime_name,
          make_family("dirichlet", alpha.size()), rounded(natural),
          [=](std::span<const double> theta) {
            Real sum = 0, total = 0;
            for (std::size_t k = 0; k < alpha.size(); ++k) {
              total += alpha[k];
              sum += (alpha[k] - 1) * std::log(Real(theta[k])) - std::lgamma(alpha[k]);
            }
            return sum + std::lgamma(total);
          }};
}

FamilyMember categorical(const std::string& regime_name, const Vector& weights) {
  Real total = 0;
  for (const Real w : weights) total += w;
  Vector natural;
  for (std::size_t k = 0; k + 1 < weights.size(); ++k) {
    natural.push_back(std::log(weights[k] / weights.back()));
  }
  return {"categorical_" + std::to_string(weights.size()) + regime_name,
          make_family("categorical", weights.size()), rounded(natural),
          [=](std::span<const double> theta) {
            Real p = 0;
            for (std::size_t k = 0; k < weights.size(); ++k) p += theta[k] * weights[k] / total;
            return std::log(p);
          }};
}

}  // namespace

const std::vector<FamilyMember>& families() {
  static const std::vector<FamilyMember> families = {
      gaussian("", 1, {}),
      gaussian("_far", 1, {.mean = 300, .precision = 0.01}),
      gaussian("", 2, {.mean = 2}),
      gaussian("_uneven", 5, {.mean = 3, .precision = 40, .spread = 30}),
      gaussian("", 12, {.mean = 0.5, .precision = 9}),
      diagonal_gaussian("", 1, {}),
      diagonal_gaussian("_narrow", 2, {.mean = 0.1, .precision = 1e6}),
      diagonal_gaussian("_uneven", 33, {.mean = 4, .precision = 2, .spread = 100}),
      normal_gamma("", 0, 3.5, 2.0, {}),
      normal_gamma("_wide", 0, 0.4, 20.0, {}),
      normal_gamma("", 1, 2.5, 1.5, {.mean = 2}),
      normal_gamma("", 3, 8.0, 0.3, {.mean = 3, .precision = 5}),
      normal_gamma("_many_rows", 6, 600.0, 900.0, {.precision = 1000, .spread = 5}),
      beta("", {2.5, 4.0}),
      beta("_steep", {0.2, 0.8}),
      beta("_uneven", {0.7, 1.0, 3.0, 900.0, 40.0, 35.0, 1.0, 1.0}),
      gamma("", {2.5, 0.7}),
      gamma("_steep", {0.15, 40.0}),
      gamma("_narrow", {4000.0, 3.0}),
      gamma("_uneven", {0.5, 1e-3, 30.0, 1e4, 1.0, 1.0}),
      poisson("", {3.7}),
      poisson("_rare", {0.02}),
      poisson("_uneven", {0.4, 90.0, 7.0}),
      diagonal_normal_gamma("", {{2.5, 1.5, 0.8, 2.0}}),
      diagonal_normal_gamma("_many_rows", {{600.0, 900.0, 1.3, 1000.0}}),
      diagonal_normal_gamma("_uneven",
                            {{0.7, 3.0, -2.0, 0.1}, {8.0, 0.3, 3.0, 5.0}, {3.0, 40.0, 0.0, 1.0}}),
      wishart("", 1, 4.5, {.precision = 2}),
      wishart("_steep", 1, 0.3, {.precision = 20}),
      wishart("", 3, 5.5, {.precision = 2}),
      wishart("_few_rows", 2, 3.0, {}),
      wishart("_many_rows", 4, 2000.0, {.precision = 900, .spread = 5}),
      normal_wishart("", 1, 3.5, 0.8, {.mean = 2}),
      normal_wishart("", 2, 4.0, 2.0, {.mean = 1}),
      normal_wishart("_many_rows", 3, 800.0, 700.0, {.mean = 0.7, .precision = 600, .spread = 3}),
      dirichlet("", {1.5, 0.8}),
      dirichlet("", {2.0, 0.7, 3.5}),
      dirichlet("_sparse", {0.1, 0.1, 0.3, 0.1, 2.0}),
      dirichlet("_many_rows", {900.0, 30.0, 4000.0, 0.5}),
      categorical("", {1.0, 3.0}),
      categorical("_uneven", {5.0, 0.01, 2.0, 1.0, 0.3}),
      bernoulli("", {0.4}),
      bernoulli("_uneven", {-3.0, 0.0, 5.0, -0.2, 1.5, -5.5}),
  };
  return families;
}

std::ostream& operator<<(std::ostream& out, const FamilyMember& member) {
  return out << member.name;
}

}  // namespace bayesum::laws
