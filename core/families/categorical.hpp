#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/families/family.hpp"

namespace bayesum {

// One of K levels with probabilities p; theta holds a one at the level and zeros elsewhere. The
// last level is the one that the others are compared with:
//
//   T = [theta_1 .. theta_K-1]      lambda_k = log(p_k / p_K)      A = log(1 + sum_k e^lambda_k)
class Categorical final : public Family {
 public:
  explicit Categorical(std::size_t levels) : levels_(levels) {}  // K >= 2

  std::string name() const override { return "categorical"; }
  std::size_t dimension() const override { return levels_; }
  std::size_t size() const override { return levels_ - 1; }
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
