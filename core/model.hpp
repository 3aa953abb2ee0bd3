#pragma once

#include <string>

#include "core/dataset.hpp"
#include "core/message.hpp"
#include "core/posterior.hpp"

namespace bayesum {

// Turns (posterior, shard) into a message. A model knows its likelihood, its prior and the family
// of its posterior; it knows nothing of ranks, sums or learning rules.
class Model {
 public:
  virtual ~Model() = default;

  virtual std::string name() const = 0;
  virtual Support support() const = 0;
  virtual Chart chart() const = 0;
  // Is the likelihood conjugate to the family? Then messages do not depend on q, and one step with
  // rho = 1 is exact Bayes.
  virtual bool conjugate() const = 0;

  virtual const Prior& prior() const = 0;
  // Where training starts.
  virtual Posterior initial_posterior() const = 0;

  // What training ascends, given the loss summed over all data at q: the ELBO. (With the delta
  // method there is no ELBO: the log joint density at the mean.)
  virtual double objective(const Posterior& q, double loss) const {
    return elbo(q, prior(), -loss);
  }

  // Once per step, before any accumulate: brings what the rows need of q to the stream's device.
  virtual void prepare(const Stream& stream, const Posterior& q) = 0;
  // Adds the evidence of these rows to payload and loss of the message, which lives on the stream's
  // device. Does not touch the counts.
  virtual void accumulate(const Stream& stream, const Batch& batch, Message& message) = 0;
};

}  // namespace bayesum
