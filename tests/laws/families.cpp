#include "tests/laws/families.hpp"

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

// The real line under the chart x -> theta, with d theta / dx, cut where nothing is left.
struct Axis {
  double low, high, step;
  std::function<double(double)> theta, slope;
};

Axis normal_axis(double mean, double precision) {
  const double sd = 1.0 / std::sqrt(precision);
  return {-12.0, 12.0, 1.0 / 16, [=](double x) { return mean + sd * x; },
          [=](double) { return sd; }};
}

// In the logarithm of tau, from where the density falls off as tau^a to where it does as e^-b tau.
Axis gamma_axis(double a, double b) {
  const double centre = std::log(a / b);
  return {centre - 5.0 - 40.0 / a, centre + 5.0, 1.0 / 64, [](double x) { return std::exp(x); },
          [](double x) { return std::exp(x); }};
}

// In the logit, up to where 1 - theta is no longer a number of its own.
Axis beta_axis(double a) {
  return {
      -10.0 - 40.0 / a, 35.0, 1.0 / 64, [](double x) { return 1.0 / (1.0 + std::exp(-x)); },
      [](double x) { return std::exp(-std::abs(x)) / std::pow(1.0 + std::exp(-std::abs(x)), 2); }};
}

std::vector<Axis> axes(const FamilyMember& member) {
  const std::string kind = member.family->name();
  const std::vector<double>& l = member.natural;
  const std::size_t d = member.family->dimension();
  if (kind == "beta" && d == 1) return {beta_axis(l[0] + 1.0)};
  if (kind == "gaussian" && d == 1) return {normal_axis(-0.5 * l[0] / l[1], -2.0 * l[1])};
  if (kind == "gaussian" && d == 2) {
    // Each axis as wide as its marginal.
    const double s00 = -2 * l[2], s10 = -l[3], s11 = -2 * l[4], det = s00 * s11 - s10 * s10;
    return {normal_axis((s11 * l[0] - s10 * l[1]) / det, det / s11),
            normal_axis((s00 * l[1] - s10 * l[0]) / det, det / s00)};
  }
  if (kind == "diagonal-gaussian" && d <= 2) {
    std::vector<Axis> axes;
    for (std::size_t i = 0; i < d; ++i) {
      axes.push_back(normal_axis(-0.5 * l[2 * i] / l[2 * i + 1], -2.0 * l[2 * i + 1]));
    }
    return axes;
  }
  if (kind == "normal-gamma" && d == 1) return {gamma_axis(l[0] + 1.0, -l[1])};
  return {};
}

// All 2^K outcomes.
double sum_over_outcomes(std::size_t dimension,
                         const std::function<double(std::span<const double>)>& f) {
  double sum = 0;
  std::vector<double> theta(dimension);
  for (std::size_t outcome = 0; outcome < std::size_t{1} << dimension; ++outcome) {
    for (std::size_t k = 0; k < dimension; ++k) {
      theta[k] = (outcome >> k & 1) != 0 ? 1.0 : 0.0;
    }
    sum += f(theta);
  }
  return sum;
}

double integrate_from(std::size_t axis, const std::vector<Axis>& axes, std::vector<double>& theta,
                      const std::function<double(std::span<const double>)>& f) {
  if (axis == axes.size()) return f(theta);
  const Axis& here = axes[axis];
  double sum = 0;
  for (double x = here.low; x <= here.high; x += here.step) {
    theta[axis] = here.theta(x);
    sum += here.slope(x) * integrate_from(axis + 1, axes, theta, f);
  }
  return here.step * sum;
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
      bernoulli("", {0.4}),
      bernoulli("_uneven", {-3.0, 0.0, 5.0, -0.2, 1.5, -5.5}),
  };
  return families;
}

std::ostream& operator<<(std::ostream& out, const FamilyMember& member) {
  return out << member.name;
}

bool can_be_integrated(const FamilyMember& member) {
  return member.family->name() == "bernoulli" || !axes(member).empty();
}

double integral(const FamilyMember& member,
                const std::function<double(std::span<const double>)>& f) {
  const std::size_t dimension = member.family->dimension();
  if (member.family->name() == "bernoulli") return sum_over_outcomes(dimension, f);
  std::vector<double> theta(dimension);
  return integrate_from(0, axes(member), theta, f);
}

}  // namespace bayesum::laws
