#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "core/families/family.hpp"

namespace bayesum {

// D independent Gaussians N(m_i, 1 / s_i); the parameters of element i lie together:
//
//   T = [theta_i, theta_i^2]      lambda = [s_i m_i, -s_i / 2]      A = sum_i (s_i m_i^2 - log s_i
//   + log 2 pi) / 2
//
// The centred form is [g_i, h_i].
class DiagonalGaussian final : public Family {
 public:
  explicit DiagonalGaussian(std::size_t dimension) : dimension_(dimension) {}

  std::string name() const override { return "diagonal-gaussian"; }
  std::size_t dimension() const override { return dimension_; }
  std::size_t size() const override { return 2 * dimension_; }
  std::size_t unit() const override { return 2; }
  std::shared_ptr<const Family> of_units(std::size_t units) const override;
  bool proper(std::span<const double> natural) const override;
  void sufficient_statistic(std::span<const double> theta, std::span<double> t) const override;
  double log_partition(std::span<const double> natural) const override;
  double entropy(std::span<const double> natural) const override;
  void mean_from_natural(std::span<const double> natural, std::span<double> mean) const override;
  void natural_from_mean(std::span<const double> mean, std::span<double> natural) const override;
  void sample(std::span<const double> natural, NoiseId id, std::span<double> theta) const override;
  Moments moments(std::span<const double> natural) const override;
  void natural_from_centred(std::span<const double> natural, std::span<const double> centred,
                            std::span<double> message) const override;
  void retract(double rho, std::span<const double> natural, std::span<const double> target,
               std::span<double> next) const override;

 private:
  std::size_t dimension_;
};

}  // namespace bayesum
