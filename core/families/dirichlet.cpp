#include "core/families/dirichlet.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/families/special.hpp"

namespace bayesum {
namespace {

double total(std::span<const double> natural) {
  double sum = 0;
  for (const double x : natural) sum += x + 1.0;
  return sum;
}

class Dirichlet final : public Family {
 public:
  explicit Dirichlet(std::size_t levels) : levels_(levels) {}

  std::string name() const override { return "dirichlet"; }
  std::size_t dimension() const override { return levels_; }
  std::size_t size() const override { return levels_; }

  bool proper(std::span<const double> natural) const override {
    return std::ranges::all_of(natural, [](double x) { return x > -1.0 && std::isfinite(x); });
  }

  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override {
    for (std::size_t k = 0; k < levels_; ++k) t[k] = std::log(theta[k]);
  }

  double log_partition(std::span<const double> natural) const override {
    double sum = -special::log_gamma(total(natural));
    for (const double x : natural) sum += special::log_gamma(x + 1.0);
    return sum;
  }

  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override {
    const double level = special::digamma(total(natural));
    for (std::size_t k = 0; k < levels_; ++k) mean[k] = special::digamma(natural[k] + 1.0) - level;
  }

  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override {
    special::dirichlet_shapes(mean, natural);
    for (double& x : natural) x -= 1.0;
  }

  // Independent Gamma(alpha_k) divided by their sum, in logarithms.
  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override {
    std::vector<double> second(levels_);
    fill_uniform(Stream(), id, 0, theta);
    fill_uniform(Stream(), separate(id), 0, second);
    for (std::size_t k = 0; k < levels_; ++k) {
      theta[k] = special::log_gamma_draw(theta[k], second[k], natural[k] + 1.0);
    }
    const double largest = *std::ranges::max_element(theta);
    double sum = 0;
    for (double& x : theta) sum += x = std::exp(x - largest);
    // A share too small for a double is the smallest there is, so that its logarithm is a number.
    for (double& x : theta) x = std::max(x / sum, std::numeric_limits<double>::min());
  }

  Moments moments(std::span<const double> natural) const override {
    const double sum = total(natural);
    Moments moments;
    for (const double x : natural) {
      const double mean = (x + 1.0) / sum;
      moments.mean.push_back(mean);
      moments.sd.push_back(std::sqrt(mean * ((sum - x - 1.0) / sum) / (sum + 1.0)));
    }
    return moments;
  }

 private:
  std::size_t levels_;
};

}  // namespace

std::shared_ptr<const Family> make_dirichlet(std::size_t levels) {
  return std::make_shared<Dirichlet>(levels);
}

}  // namespace bayesum
