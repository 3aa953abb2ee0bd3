#pragma once

#include "core/model.hpp"
#include "kernels/buffer.hpp"

namespace bayesum {

// A model whose likelihood is conjugate to the family of its posterior: the log-likelihood of rows
// is
//
//   log p(rows | theta) = <statistics(rows), T(theta)> + log_base(rows),
//
// so the message is the statistics themselves, whatever q: Bayes' rule is their addition, and
// E_q[log p] = <statistics, mu> + log_base. A concrete model gives the two.
class ConjugateModel : public Model {
 public:
  Chart chart() const final { return Chart::kNatural; }
  Conjugacy conjugacy() const final { return Conjugacy::kFull; }
  Posterior initial_posterior() const final { return initial_; }

  void prepare(const Stream& stream, const Posterior& q) final;
  void accumulate(const Stream& stream, const Batch& batch, Message& message) final;
  // The statistics of the rows once, and T of every draw.
  void log_likelihood(const Batch& batch, MatrixView<const double> draws,
                      std::span<double> sums) const final;

 protected:
  // `initial` gives the family; any proper member will do, since one step leads from anywhere.
  ConjugateModel(Prior prior, Posterior initial);

  // Adds the statistics of the rows, on the stream's device, and returns log_base. May use memory
  // that the model keeps for it, so that a model serves one caller at a time.
  virtual double add_statistics(const Stream& stream, const Batch& batch,
                                std::span<double> statistics) const = 0;

 private:
  Posterior initial_;
  Buffer<double> mean_;        // mu at q
  Buffer<double> statistics_;  // of one batch
};

// The sum of weights of the rows; their number when there are none.
double total_weight(const Stream& stream, const Batch& batch);
// The weights of the rows; ones, kept in `ones`, when there are none.
std::span<const double> weights_or_ones(const Stream& stream, const Batch& batch,
                                        Buffer<double>& ones);

}  // namespace bayesum
