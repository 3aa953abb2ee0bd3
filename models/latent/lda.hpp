#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/latent/latent.hpp"
#include "models/latent/topics.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// Latent Dirichlet allocation: rows are documents, features words, values counts.
//
//   token j of document i:   z_ij ~ theta_i     w_ij ~ beta_{z_ij}
//   theta_i ~ Dirichlet(alpha), K topics        beta_k ~ Dirichlet(eta), V words
//
// q has a Dirichlet block for each topic. Given q the shard resolves theta_i and z_ij of each
// document by a fixed-point iteration (kernels/lda_pass.hpp), and the message is how many tokens of
// each word it expects of each topic. The iteration starts afresh in every step, so that nothing
// depends on history or ranks. With rho = 1 the ELBO does not fall where each document is brought
// to its best bound: alpha >= 1/2 has one optimum, and at `model.local_tolerance` d the bound
// misses it by the order of d^2; a smaller alpha may have several, and a document that changes
// between them may cost what lies between their bounds. On the CPU alone: Error(kDevice) otherwise.
// Blei, Ng and Jordan, "Latent Dirichlet allocation", JMLR 3 (2003); Hoffman, Blei, Wang and
// Paisley, "Stochastic variational inference", JMLR 14 (2013), section 3.
class LdaModel final : public LatentModel {
 public:
  // Topics start as the words' frequencies, each times noise between 1/2 and 3/2.
  LdaModel(const ModelConfig& config, const PriorConfig& prior, const Design& design,
           const DataSummary& summary, std::uint64_t seed);

  std::string name() const override { return "lda"; }
  Support support() const override { return Support::kCountFeatures; }
  bool takes_sparse() const override { return true; }

  void prepare(const Stream& stream, const Posterior& q) override;
  void accumulate(const Stream& stream, const Batch& batch, Message& message) override;

 private:
  ModelConfig config_;
  PriorConfig prior_config_;
  std::optional<Topics> topics_;
  std::vector<double> counts_;  // V x K, of a batch
};

}  // namespace bayesum
