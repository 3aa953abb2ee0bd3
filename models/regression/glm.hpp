#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/model.hpp"
#include "kernels/buffer.hpp"
#include "kernels/glm_pass.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// Generalised linear models, with a full or diagonal Gaussian over the coefficients: logistic and
// probit (y in {0, 1}), Poisson and negative-binomial with log link (y a count; the latter with a
// given dispersion r: variance mu + mu^2 / r).
//
//   log p(y_i | beta) = -w_i l(z_i; y_i),  z_i = x_i' beta + offset_i
//   beta_j ~ N(mean_j, sd_j^2)
//
// The message is the centred form [g ; H], averaged under q by one-dimensional quadrature or, with
// the delta method, taken at the mean, which makes the learning rule Newton's method
// (kernels/glm_pass.hpp).
class GlmModel final : public Model {
 public:
  GlmModel(Likelihood likelihood, const ModelConfig& config, const PriorConfig& prior,
           const Design& design, const DataSummary& summary);

  std::string name() const override;
  Support support() const override;
  Chart chart() const override { return Chart::kCentred; }
  Conjugacy conjugacy() const override { return Conjugacy::kNone; }
  Posterior initial_posterior() const override { return initial_; }
  double objective(const Posterior& q, double loss) const override;

  void prepare(const Stream& stream, const Posterior& q) override;
  void accumulate(const Stream& stream, const Batch& batch, Message& message) override;
  bool takes_sparse() const override { return true; }
  void log_likelihood(const Batch& batch, MatrixView<const double> draws,
                      std::span<double> sums) const override;

 private:
  void set_spread(GlmPass& pass);

  Likelihood likelihood_;
  double dispersion_;
  bool full_;
  bool delta_;
  std::size_t columns_;
  Posterior initial_;

  // The posterior on the stream's device, as the rows need it.
  Buffer<double> mean_;
  Buffer<double> spread_;           // full: L^-1; diagonal: variances
  std::vector<double> covariance_;  // full, once sparse rows have asked for it
  Buffer<double> sums_;             // diagonal: [g ; h] of a batch, before they are interleaved
};

// The likelihood of a model of this name, if it is a GLM.
std::optional<Likelihood> likelihood_of(const std::string& model_name);

}  // namespace bayesum
