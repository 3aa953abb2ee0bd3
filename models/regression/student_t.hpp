#pragma once

#include "kernels/buffer.hpp"
#include "models/latent/latent.hpp"
#include "models/make_model.hpp"
#include "models/regression/normal_gamma_regression.hpp"

namespace bayesum {

// Linear regression with Student-t noise, which outliers hardly move: each row has a latent
// precision u_i,
//
//   y_i ~ N(x_i' beta + offset_i, 1 / (tau u_i))     u_i ~ Gamma(nu/2, nu/2)
//   (beta, tau) ~ Normal-Gamma(m, Lambda, a, b)       the prior that linear regression has
//
// with nu fixed, `model.degrees_of_freedom`. Given q the shard resolves u_i in closed form,
//
//   s_i = E_q[tau (y_i - offset_i - x_i' beta)^2] = a/b (y_i - offset_i - x_i' m)^2
//                                                   + x_i' Lambda^-1 x_i
//   u_i ~ Gamma((nu + 1)/2, (nu + s_i)/2)             E[u_i] = (nu + 1) / (nu + s_i)
//
// and the message is that of linear regression with noise weights w_i E[u_i]. What the row adds to
// the ELBO, u_i at its optimum, is the t density with s_i for the squared residual:
//
//   w_i ( (E[log tau] - log(nu pi))/2 + log Gamma((nu+1)/2) - log Gamma(nu/2)
//         - (nu+1)/2 log(1 + s_i/nu) )
//
// With nu infinite it is linear regression. Lange, Little and Taylor, "Robust statistical modeling
// using the t distribution", JASA 84 (1989).
class StudentTModel final : public LatentModel {
 public:
  StudentTModel(const ModelConfig& config, const PriorConfig& prior, const Design& design,
                const DataSummary& summary);

  std::string name() const override { return "student-t"; }
  Support support() const override { return Support::kReal; }

  void prepare(const Stream& stream, const Posterior& q) override;
  void accumulate(const Stream& stream, const Batch& batch, Message& message) override;
  void log_likelihood(const Batch& batch, MatrixView<const double> draws,
                      std::span<double> sums) const override;

 private:
  void reserve(const Stream& stream, std::size_t rows);

  double degrees_of_freedom_;
  std::size_t columns_;

  // Of q: on the stream's device, and on the host.
  Buffer<double> mean_;            // m
  Buffer<double> inverse_factor_;  // L^-1 with Lambda = L L'
  double precision_ = 0;           // a / b
  double row_log_density_ = 0;     // of a row with s = 0

  // Of a batch.
  Buffer<double> predictor_;  // x' m + offset
  Buffer<double> spread_;     // x' Lambda^-1 x
  Buffer<double> weight_;     // w E[u]
  Buffer<double> loss_;
  RegressionStatistics statistics_;
};

}  // namespace bayesum
