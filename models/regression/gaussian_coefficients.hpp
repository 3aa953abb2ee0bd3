#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/posterior.hpp"
#include "kernels/stream.hpp"
#include "models/regression/coefficient_prior.hpp"

namespace bayesum {

// The block "coefficients" of a model whose posterior is a Gaussian over coefficients with
// independent normal priors: full, or diagonal.

Prior gaussian_prior(bool full, std::span<const CoefficientPrior> coefficients);
// About these means, with a precision of 100 beside the prior's: narrow enough for e^z to be
// harmless.
Posterior initial_gaussian(bool full, std::span<const CoefficientPrior> coefficients,
                           std::span<const double> mean);
// The prior's means; zeros where it is flat.
std::vector<double> prior_means(std::span<const CoefficientPrior> coefficients);

std::vector<double> gaussian_mean(bool full, std::span<const double> natural,
                                  std::size_t dimension);
// Sigma from L^-1, Sigma^-1 = L L'; D x D.
std::vector<double> covariance_of(std::span<const double> inverse_factor, std::size_t dimension);
// The log joint density at the mean of q, given the loss there: what the delta method ascends.
double log_joint_at_mean(const Posterior& q, bool full, const Prior& prior, double loss);

// Draws of theta in antithetic pairs, those of `pairs`, 2 pairs x D: of pair k they are m +- A
// eps_k with A A' = Sigma and eps_k the noise vector (seed, 0, k). The same eps whatever q.
std::vector<double> antithetic_draws(bool full, std::span<const double> natural,
                                     std::size_t dimension, Range pairs, std::uint64_t seed);

// [g ; h], one after the other, added to a diagonal Gaussian's centred form [g_1 h_1 g_2 h_2 ...].
void add_interleaved(const Stream& stream, std::span<const double> sums, std::span<double> payload);

}  // namespace bayesum
