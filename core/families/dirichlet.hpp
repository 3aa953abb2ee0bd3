#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/families/family.hpp"

namespace bayesum {

// Dirichlet(alpha) over probabilities p of K levels, densities with respect to the first K - 1 of
// them:
//
//   T = log p_k      lambda = alpha_k - 1      A = sum_k log Gamma(alpha_k) - log Gamma(sum alpha)
//
// A draw's element may be smaller than the smallest float64 where an alpha is below 0.01, and is 0.
class Dirichlet final : public Family {
 public:
  explicit Dirichlet(std::size_t levels) : levels_(levels) {}  // K >= 2

  std::string name() const override { return "dirichlet"; }
  std::size_t dimension() const override { return levels_; }
  std::size_t size() const override { return levels_; }
  bool proper(std::span<const double> natural) const override;
  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override;
  double log_partition(std::span<const double> natural) const override;
  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override;
  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override;
  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override;
  Moments moments(std::span<const double> natural) const override;

 private:
  std::size_t levels_;
};

}  // namespace bayesum
