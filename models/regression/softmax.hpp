#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model.hpp"
#include "kernels/buffer.hpp"
#include "kernels/softmax_pass.hpp"
#include "models/make_model.hpp"

namespace bayesum {

// Softmax (multinomial logistic) regression of C classes, Design::classes, the first of which is
// the reference, with a full or diagonal Gaussian over all coefficients:
//
//   p(y_i = c | theta) = e^(x_i' theta_c) / (1 + sum_b e^(x_i' theta_b)),   theta_0 = 0
//   theta_cj ~ N(mean_j, sd_j^2)
//
// theta is theta_1 ... theta_(C-1), one after the other, D = (C-1) d elements. A row weighs w_i.
//
// The message is the centred form [g ; H], averaged over draws of theta from q in antithetic pairs
// m +- A eps with the same eps at every step, so that training is a fixed map; or, with the delta
// method, taken at the mean, which makes the learning rule Newton's method. The curvature of every
// draw is positive semi-definite. The message is what the exact gradient in Sigma would be only on
// average over eps (Price's theorem), so the map's fixed point is near the maximum of the sampled
// ELBO, and not at it: objective_error() says so.
class SoftmaxModel final : public Model {
 public:
  // Error(kUsage) with less than two classes, or an odd number of draws.
  SoftmaxModel(const ModelConfig& config, const PriorConfig& prior, const Design& design);

  std::string name() const override { return "softmax"; }
  Support support() const override { return Support::kCategory; }
  Chart chart() const override { return Chart::kCentred; }
  Conjugacy conjugacy() const override { return Conjugacy::kNone; }
  Posterior initial_posterior() const override { return initial_; }
  double objective(const Posterior& q, double loss) const override;
  double objective_error() const override;

  void prepare(const Stream& stream, const Posterior& q) override;
  // Error(kUsage) where rows have an offset, which has no one logit to be added to, or a class that
  // is not of the design.
  void accumulate(const Stream& stream, const Batch& batch, Message& message) override;
  void log_likelihood(const Batch& batch, MatrixView<const double> draws,
                      std::span<double> sums) const override;

 private:
  void check(const Stream& stream, const Batch& batch) const;
  std::size_t dimension() const { return (classes_ - 1) * columns_; }

  bool full_;
  bool delta_;
  std::size_t classes_;
  std::size_t columns_;
  std::size_t draws_;  // 1 with the delta method
  std::uint64_t seed_;
  Posterior initial_;

  Buffer<double> thetas_;  // draws_ x D, on the stream's device
  Buffer<double> sums_;    // diagonal: [g ; h] of a batch, before they are interleaved
  SoftmaxMemory memory_;
};

}  // namespace bayesum
