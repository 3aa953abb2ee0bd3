#pragma once

#include <utility>

#include "core/model.hpp"

namespace bayesum {

// A model whose rows have latent variables z_i of their own, and which is conjugate once those are
// known: with <s(row, z), T(theta)> + b(row, z) the log-density of a row and its latent variables,
// a shard resolves, at the posterior q it is given,
//
//   r_i(z) ~ exp( <s(row_i, z), E_q[T]> + b(row_i, z) )            the local step
//   message = sum_i w_i E_{r_i}[ s(row_i, z) ]
//   loss    = - sum_i w_i ( E_{q, r_i}[log p(row_i, z | theta)] + entropy(r_i) )
//
// so that prior + messages is the best q for these r_i, and elbo(q, prior, -loss) is the ELBO with
// the r_i that are best at q. A step with rho = 1 is coordinate ascent: it never lowers the ELBO.
// Hoffman, Blei, Wang and Paisley, "Stochastic variational inference", JMLR 14 (2013), section 2;
// Bishop, "Pattern recognition and machine learning" (2006), chapter 10. Nothing of a row is
// kept from one step to the next: a message is a function of q and the rows alone.
class LatentModel : public Model {
 public:
  Chart chart() const final { return Chart::kNatural; }
  Conjugacy conjugacy() const final { return Conjugacy::kConditional; }
  Posterior initial_posterior() const final { return initial_; }

 protected:
  // The fixed point that training finds may depend on where it starts.
  LatentModel(Prior prior, Posterior initial) : initial_(std::move(initial)) {
    set_prior(std::move(prior));
  }

 private:
  Posterior initial_;
};

}  // namespace bayesum
