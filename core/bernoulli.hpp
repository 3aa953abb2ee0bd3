#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "core/family.hpp"

namespace bayesum {

// K independent Bernoulli(p_k) over {0, 1}: T = theta, lambda = logit p, A = sum_k log(1 +
// e^lambda).
class Bernoulli final : public Family {
 public:
  explicit Bernoulli(std::size_t dimension) : dimension_(dimension) {}

  std::string name() const override { return "bernoulli"; }
  std::size_t dimension() const override { return dimension_; }
  std::size_t size() const override { return dimension_; }
  std::size_t unit() const override { return 1; }
  std::shared_ptr<const Family> of_units(std::size_t units) const override;
  bool proper(std::span<const double> natural) const override;
  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override;
  double log_partition(std::span<const double> natural) const override;
  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override;
  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override;
  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override;

 private:
  std::size_t dimension_;
};

}  // namespace bayesum
