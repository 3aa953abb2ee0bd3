#include "tests/laws/families.hpp"

#include <algorithm>

// Integrals over theta.
namespace bayesum::laws {
namespace {

// The real line under the chart x -> theta, with d theta / dx, cut where nothing is left.
struct Axis {
  double low, high, step;
  std::function<double(double)> theta, slope;
};

Axis normal_axis(double mean, double precision) {
  const double sd = 1.0 / std::sqrt(precision);
  return {-12.0, 12.0, 1.0 / 4, [=](double x) { return mean + sd * x; },
          [=](double) { return sd; }};
}

// In the logarithm of tau, from where the density falls off as tau^a to where it does as e^-b tau.
Axis gamma_axis(double a, double b) {
  const double centre = std::log(a / b);
  const double step = std::min(1.0 / 16, 0.2 / std::sqrt(a));
  return {centre - 5.0 - 40.0 / a, centre + 5.0, step, [](double x) { return std::exp(x); },
          [](double x) { return std::exp(x); }};
}

// In the logit, up to where 1 - theta is no longer a number of its own.
Axis beta_axis(double a) {
  return {
      -10.0 - 40.0 / a, 35.0, 1.0 / 8, [](double x) { return 1.0 / (1.0 + std::exp(-x)); },
      [](double x) { return std::exp(-std::abs(x)) / std::pow(1.0 + std::exp(-std::abs(x)), 2); }};
}

// Axes, and the map from the point they span to theta, which gives the Jacobian determinant; where
// there is none that point is theta.
struct Chart {
  std::vector<Axis> axes;
  std::function<double(std::span<const double> point, std::span<double> theta)> map;
};

Chart gaussian_chart(const std::vector<double>& l, std::size_t d) {
  if (d == 1) return {{normal_axis(-0.5 * l[0] / l[1], -2.0 * l[1])}, {}};
  if (d > 2) return {};
  // Each axis as wide as its marginal.
  const double s00 = -2 * l[2], s10 = -l[3], s11 = -2 * l[4], det = s00 * s11 - s10 * s10;
  return {{normal_axis((s11 * l[0] - s10 * l[1]) / det, det / s11),
           normal_axis((s00 * l[1] - s10 * l[0]) / det, det / s00)},
          {}};
}

Chart diagonal_gaussian_chart(const std::vector<double>& l, std::size_t d) {
  Chart chart;
  for (std::size_t i = 0; i < d && d <= 2; ++i) {
    chart.axes.push_back(normal_axis(-0.5 * l[2 * i] / l[2 * i + 1], -2.0 * l[2 * i + 1]));
  }
  return chart;
}

// The mean in units of its sd given the precision, which is the first axis.
Chart normal_gamma_chart(double a, double b, double m, double kappa) {
  return {{gamma_axis(a, b), normal_axis(0.0, 1.0)},
          [=](std::span<const double> point, std::span<double> theta) {
            const double sd = 1.0 / std::sqrt(kappa * point[0]);
            theta[0] = m + sd * point[1];
            theta[1] = point[0];
            return sd;
          }};
}

// By breaking a stick: the share of the first, then that of the second in what is left.
Chart dirichlet_chart(const std::vector<double>& l) {
  if (l.size() == 2) {
    return {{beta_axis(l[0] + 1.0)}, [](std::span<const double> point, std::span<double> theta) {
              theta[0] = point[0];
              theta[1] = 1.0 - point[0];
              return 1.0;
            }};
  }
  if (l.size() > 3) return {};
  return {{beta_axis(l[0] + 1.0), beta_axis(l[1] + 1.0)},
          [](std::span<const double> point, std::span<double> theta) {
            const double left = 1.0 - point[0];
            theta[0] = point[0];
            theta[1] = left * point[1];
            theta[2] = left * (1.0 - point[1]);
            return left;
          }};
}

Chart chart_of(const FamilyMember& member) {
  const std::string kind = member.family->name();
  const std::vector<double>& l = member.natural;
  const std::size_t d = member.family->dimension();
  if (kind == "beta" && d == 1) return {{beta_axis(l[0] + 1.0)}, {}};
  if (kind == "gamma" && d == 1) return {{gamma_axis(l[0] + 1.0, -l[1])}, {}};
  if (kind == "gaussian") return gaussian_chart(l, d);
  if (kind == "diagonal-gaussian") return diagonal_gaussian_chart(l, d);
  if (kind == "normal-gamma" && d == 1) return {{gamma_axis(l[0] + 1.0, -l[1])}, {}};
  if ((kind == "normal-gamma" || kind == "diagonal-normal-gamma") && d == 2) {
    const double kappa = -2.0 * l[3], m = l[2] / kappa;
    return normal_gamma_chart(l[0] + 0.5, -l[1] - 0.5 * kappa * m * m, m, kappa);
  }
  if (kind == "dirichlet") return dirichlet_chart(l);
  // In one dimension Wishart(n, W) is Gamma(n / 2, W / 2).
  if (kind == "wishart" && d == 1) return {{gamma_axis(l[0] + 1.0, -l[1])}, {}};
  if (kind == "normal-wishart" && d == 2) {
    const double kappa = -2.0 * l[1], m = l[2] / kappa;
    return normal_gamma_chart(l[0] + 0.5, -l[3] - 0.5 * kappa * m * m, m, kappa);
  }
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

// One of the levels at a time.
double sum_over_levels(std::size_t levels,
                       const std::function<double(std::span<const double>)>& f) {
  double sum = 0;
  for (std::size_t k = 0; k < levels; ++k) {
    std::vector<double> theta(levels);
    theta[k] = 1.0;
    sum += f(theta);
  }
  return sum;
}

// Up to where nothing is left.
double sum_over_counts(double rate, const std::function<double(std::span<const double>)>& f) {
  double sum = 0;
  for (double x = 0; x < 60.0 + 10.0 * rate; ++x) sum += f({&x, 1});
  return sum;
}

double integrate_from(std::size_t axis, const Chart& chart, std::vector<double>& point,
                      const std::function<double(std::span<const double>)>& f) {
  if (axis == chart.axes.size()) return f(point);
  const Axis& here = chart.axes[axis];
  double sum = 0;
  for (double x = here.low; x <= here.high; x += here.step) {
    point[axis] = here.theta(x);
    sum += here.slope(x) * integrate_from(axis + 1, chart, point, f);
  }
  return here.step * sum;
}

}  // namespace

bool is_discrete(const FamilyMember& member) {
  const std::string kind = member.family->name();
  return kind == "bernoulli" || kind == "poisson" || kind == "categorical";
}

bool can_be_integrated(const FamilyMember& member) {
  const std::string kind = member.family->name();
  if (kind == "poisson") return member.family->dimension() == 1;
  return kind == "bernoulli" || kind == "categorical" || !chart_of(member).axes.empty();
}

double integral(const FamilyMember& member,
                const std::function<double(std::span<const double>)>& f) {
  const std::string kind = member.family->name();
  const std::size_t dimension = member.family->dimension();
  if (kind == "bernoulli") return sum_over_outcomes(dimension, f);
  if (kind == "categorical") return sum_over_levels(dimension, f);
  if (kind == "poisson") return sum_over_counts(std::exp(member.natural[0]), f);
  const Chart chart = chart_of(member);
  std::vector<double> theta(dimension), point(chart.axes.size());
  const auto value = [&](std::span<const double> at) {
    if (!chart.map) return f(at);
    const double jacobian = chart.map(at, theta);
    return jacobian * f(theta);
  };
  return integrate_from(0, chart, point, value);
}

}  // namespace bayesum::laws
