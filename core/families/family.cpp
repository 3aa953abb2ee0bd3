#include "core/families/family.hpp"

#include <cmath>
#include <numeric>

#include "kernels/error.hpp"

namespace bayesum {

std::shared_ptr<const Family> Family::of_units(std::size_t units) const {
  if (units * unit() == size()) return make_family(name(), dimension());
  throw Error(ExitCode::kUsage, "the family " + name() + " cannot be cut");
}

double Family::log_base_measure(std::span<const double>) const { return 0.0; }

void Family::natural_from_centred(std::span<const double>, std::span<const double>,
                                  std::span<double>) const {
  throw Error(ExitCode::kUsage, "the family " + name() + " has no centred form");
}

void Family::retract(double, std::span<const double>, std::span<const double>,
                     std::span<double>) const {
  throw Error(ExitCode::kUsage, "the retraction is for Gaussian posteriors, not for " + name() +
                                    ": set rule.retraction = \"never\"");
}

double Family::entropy(std::span<const double> natural) const {
  std::vector<double> mean(size());
  mean_from_natural(natural, mean);
  return log_partition(natural) -
         std::inner_product(mean.begin(), mean.end(), natural.begin(), 0.0);
}

double log_density(const Family& family, std::span<const double> natural,
                   std::span<const double> theta) {
  std::vector<double> t(family.size());
  family.sufficient_statistic(theta, t);
  return std::inner_product(t.begin(), t.end(), natural.begin(), family.log_base_measure(theta)) -
         family.log_partition(natural);
}

double kl_divergence(const Family& family, std::span<const double> p, std::span<const double> q) {
  std::vector<double> mean(family.size());
  family.mean_from_natural(p, mean);
  double inner = 0;
  for (std::size_t i = 0; i < mean.size(); ++i) inner += (q[i] - p[i]) * mean[i];
  return family.log_partition(q) - family.log_partition(p) - inner;
}

std::vector<double> fisher_information(const Family& family, std::span<const double> natural) {
  const std::size_t n = family.size();
  std::vector<double> fisher(n * n);
  std::vector<double> point(natural.begin(), natural.end());
  std::vector<double> above(n);
  std::vector<double> below(n);
  for (std::size_t j = 0; j < n; ++j) {
    const double step = 1e-6 * std::max(std::abs(natural[j]), 1e-2);
    point[j] = natural[j] + step;
    family.mean_from_natural(point, above);
    point[j] = natural[j] - step;
    family.mean_from_natural(point, below);
    point[j] = natural[j];
    for (std::size_t i = 0; i < n; ++i) fisher[i * n + j] = (above[i] - below[i]) / (2.0 * step);
  }
  return fisher;
}

}  // namespace bayesum
