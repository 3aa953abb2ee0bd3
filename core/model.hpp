#pragma once

#include <span>
#include <string>
#include <utility>

#include "core/data/dataset.hpp"
#include "core/data/row_sample.hpp"
#include "core/message.hpp"
#include "core/posterior.hpp"

namespace bayesum {

// What a step of rho = 1 achieves, given how likelihood and family fit.
enum class Conjugacy {
  kFull,         // messages do not depend on q: exact Bayes from anywhere
  kConditional,  // conjugate given latent variables of each row, which the shard resolves at q:
                 // coordinate ascent, after which the ELBO has not fallen
  kNone,         // a natural-gradient step, which may overshoot
};

// Turns (posterior, shard) into a message. A model knows its likelihood, its prior and the family
// of its posterior; it knows nothing of ranks, sums or learning rules.
class Model {
 public:
  virtual ~Model() = default;

  virtual std::string name() const = 0;
  virtual Support support() const = 0;
  virtual Chart chart() const = 0;
  virtual Conjugacy conjugacy() const = 0;

  const Prior& prior() const { return prior_; }
  void set_prior(Prior prior) { prior_ = std::move(prior); }
  // Where training starts, unless the model asks for rows to choose its start by.
  virtual Posterior initial_posterior() const = 0;
  // How many it asks for, drawn from all data; and the start that they give, in host memory.
  virtual std::size_t rows_to_start_from() const { return 0; }
  virtual Posterior start_from(const RowSample&) { return initial_posterior(); }

  // What training ascends, given the loss summed over all data at q: the ELBO. (With the delta
  // method there is no ELBO: the log joint density at the mean.)
  virtual double objective(const Posterior& q, double loss) const {
    return elbo(q, prior(), -loss);
  }

  // Relative size below which differences of the objective mean nothing: rounding; more where it is
  // an average over draws, whose fixed point is not exactly its maximum. Training then goes by the
  // residual.
  virtual double objective_error() const { return 1e-10; }

  // Once per step, before any accumulate: brings what the rows need of q to the stream's device.
  virtual void prepare(const Stream& stream, const Posterior& q) = 0;
  // Adds the evidence of these rows to payload and loss of the message, which lives on the stream's
  // device. Does not touch the counts.
  virtual void accumulate(const Stream& stream, const Batch& batch, Message& message) = 0;

  // Does accumulate() read the sparse form of a batch? Otherwise it is handed dense rows.
  virtual bool takes_sparse() const { return false; }

  // Adds to sums[s] the log-likelihood of these rows at theta = row s of `draws`, the thetas of the
  // blocks one after the other; latent variables of rows are summed out. In host memory. A model
  // that has no closed form for it keeps the default, Error(kUsage).
  virtual void log_likelihood(const Batch& batch, MatrixView<const double> draws,
                              std::span<double> sums) const;

 private:
  Prior prior_;
};

// May rows of a sparse file stay sparse for it: does it take them, and does the design not shift
// them? On the CPU alone.
bool keeps_sparse(const Model& model, const Design& design);

}  // namespace bayesum
