#pragma once

#include <cstdint>

#include "kernels/buffer.hpp"
#include "models/latent/latent.hpp"
#include "models/latent/mixture_posterior.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// A mixture of K Gaussians over the columns, D of them, standardized unless told otherwise:
//
//   z_i ~ pi      x_i | z_i = k ~ N(mu_k, Lambda_k^-1)
//   pi ~ Dirichlet(alpha_0)      (mu_k, Lambda_k) ~ Normal-Wishart(m_0, kappa_0, nu_0, W_0)
//
// with m_0 the mean of the columns and W_0 = nu_0 scale^2 I, so that E[Lambda_k] = I / scale^2. q
// has a Dirichlet block "weights" and a Normal-Wishart block "component.k" for each component.
// Given q the shard resolves z_i,
//
//   log rho_ik = E[log pi_k] + E[log|Lambda_k|]/2 - D/(2 kappa_k) - nu_k |C_k^-1 (x_i - m_k)|^2 / 2
//                - D log(2 pi)/2
//   r_ik = rho_ik / sum_k rho_ik
//
// and the message of w_i r_ik rows x_i for each component k. What the row adds to the ELBO is
// w_i log sum_k rho_ik. Bishop (2006), section 10.2.
//
// The ELBO has an optimum for every renaming of the components and others besides. Training starts
// at the best of several attempts on a sample of the rows, see models/latent/mixture_start.hpp;
// where clusters overlap, another seed may still end in another optimum: the one with the highest
// ELBO is the best.
class GaussianMixtureModel final : public LatentModel {
 public:
  // Error(kUsage) when prior.degrees is less than the number of columns.
  GaussianMixtureModel(const ModelConfig& config, const PriorConfig& prior, const Design& design,
                       const DataSummary& summary, std::uint64_t seed);

  std::string name() const override { return "gaussian-mixture"; }
  Support support() const override { return Support::kRealFeatures; }

  std::size_t rows_to_start_from() const override;
  Posterior start_from(const RowSample& rows) override;

  void prepare(const Stream& stream, const Posterior& q) override;
  void accumulate(const Stream& stream, const Batch& batch, Message& message) override;
  void log_likelihood(const Batch& batch, MatrixView<const double> draws,
                      std::span<double> sums) const override;

 private:
  void reserve(const Stream& stream, std::size_t rows);
  void add_component(const Stream& stream, const Batch& batch, std::size_t k,
                     std::span<double> payload);

  std::size_t components_;
  std::size_t columns_;
  std::uint64_t seed_;

  // Of q, on the stream's device.
  Buffer<double> constant_, means_, factors_;

  // Of a batch.
  Buffer<double> responsibility_;  // K x rows
  Buffer<double> loss_;
  Buffer<double> gram_;    // packed
  Buffer<double> counts_;  // K: sum of responsibilities
};

}  // namespace bayesum
