#include "core/families/categorical.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace bayesum {
namespace {

class Categorical final : public Family {
 public:
  explicit Categorical(std::size_t levels) : levels_(levels) {}

  std::string name() const override { return "categorical"; }
  std::size_t dimension() const override { return levels_; }
  std::size_t size() const override { return levels_ - 1; }

  bool proper(std::span<const double> natural) const override {
    return std::ranges::all_of(natural, [](double x) { return std::isfinite(x); });
  }

  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override {
    std::ranges::copy(theta.first(levels_ - 1), t.begin());
  }

  double log_partition(std::span<const double> natural) const override {
    const double largest = std::max(0.0, *std::ranges::max_element(natural));
    double sum = std::exp(-largest);
    for (const double x : natural) sum += std::exp(x - largest);
    return largest + std::log(sum);
  }

  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override {
    const double normalizer = log_partition(natural);
    for (std::size_t k = 0; k + 1 < levels_; ++k) mean[k] = std::exp(natural[k] - normalizer);
  }

  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override {
    double last = 1.0;
    for (const double p : mean) last -= p;
    for (std::size_t k = 0; k + 1 < levels_; ++k) natural[k] = std::log(mean[k]) - std::log(last);
  }

  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override {
    double uniform = 0;
    fill_uniform(Stream(), id, 0, {&uniform, 1});
    const double normalizer = log_partition(natural);
    std::size_t level = 0;
    for (; level + 1 < levels_; ++level) {
      uniform -= std::exp(natural[level] - normalizer);
      if (uniform < 0) break;
    }
    std::ranges::fill(theta, 0.0);
    theta[level] = 1.0;
  }

  Moments moments(std::span<const double> natural) const override {
    const double normalizer = log_partition(natural);
    std::vector<double> logits(natural.begin(), natural.end());
    logits.push_back(0.0);
    Moments moments;
    for (const double x : logits) {
      const double p = std::exp(x - normalizer);
      moments.mean.push_back(p);
      moments.sd.push_back(std::sqrt(p * (1.0 - p)));
    }
    return moments;
  }

 private:
  std::size_t levels_;
};

}  // namespace

std::shared_ptr<const Family> make_categorical(std::size_t levels) {
  return std::make_shared<Categorical>(levels);
}

}  // namespace bayesum
