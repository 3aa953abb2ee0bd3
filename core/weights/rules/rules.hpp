#pragma once

#include <memory>

#include "core/weights/weight_rule.hpp"

namespace bayesum {

// In all of these g is the mean gradient of the loss of an example, G what was made of its squares,
// t = 1, 2, ... the step, a the scheduled learning rate, delta the weight decay of the tensor,
// M <- beta1 M + (1 - beta1) g, and M' = M / (1 - beta1^t) where `debias` says so. Those with a
// posterior have sigma^2 = 1 / (ess (h + delta)) and draw theta = m + sigma eps.

// IVON (Shen et al., ICML 2024): the Bayesian learning rule
//
//   lambda <- (1 - rho) lambda + rho (lambda_prior + sum of messages)
//
// for a diagonal Gaussian, line by line. Its natural parameters are (S m, -S/2), S = ess (h +
// delta); a prior of precision ess delta and evidence of gradient ess g and curvature ess f make
//
//   S <- (1 - rho) S + rho ess (f + delta)        h <- (1 - rho) h + rho f
//   m <- m - rho S_new^-1 ess (g + delta m)       m <- m - rho (g + delta m) / (h_new + delta)
//
// On these IVON puts a rate for each, rho = 1 - beta2 for the curvature and the learning rate for
// the mean; momentum in place of g; the term of second order that keeps h + delta positive whatever
// f is (Lin, Schmidt and Khan, ICML 2020); and a bound on the step. In order:
//
//   M <- beta1 M + (1 - beta1) g
//   h <- h + (1 - beta2) (f - h) + (1 - beta2)^2 (h - f)^2 / (2 (h + delta)),
//        by the old h
//   m <- m - a' clip((M' + delta m) / (h + delta), clip_radius),   by the new h
//
// a' = a (h_0 + delta) with `rescale`, else a. f is
//   price        ess (h + delta) mean of (theta - m) g, Price's theorem: E[Hessian] from gradients
//   antithetic   the same; draws come in pairs m + e, m - e on the same examples, so that what does
//                not depend on e cancels, to rounding
//   squares      ess times the mean over draws, by their examples, of the square of the mean
//                gradient of a draw
// With the noise of the world, price and squares are formed from the sum here: messages are g
// alone. h is not debiased. It is kept above -delta (1 - 1e-6), or 1e-30, and below 1e30, for
// float32.
std::unique_ptr<WeightRule> make_ivon_rule(const WeightRuleConfig& config, double ess);

// VOGN (Khan et al., ICML 2018; Osawa et al., NeurIPS 2019), with G the mean of the squared
// gradients of examples (a Gauss-Newton matrix, never negative):
//   h <- beta2 h + (1 - beta2) G,   m <- m - a' clip((M' + delta m) / (h + delta))
// h is kept from below as IVON's.
std::unique_ptr<WeightRule> make_vogn_rule(const WeightRuleConfig& config, double ess);

// Vadam (Khan et al., ICML 2018), the posterior of Adam, of the squared mean gradient. It starts at
// the prior, h = 0, so every weight needs a decay.
//   M of g + delta m,   h <- beta2 h + (1 - beta2) g^2
//   m <- m - a M' / (sqrt(h / (1 - beta2^t)) + delta)
std::unique_ptr<WeightRule> make_vadam_rule(const WeightRuleConfig& config, double ess);

// AdamW (Loshchilov and Hutter, ICLR 2019), the point limit of Vadam with decoupled decay:
//   h <- beta2 h + (1 - beta2) g^2
//   m <- m - a (M' / (sqrt(h / (1 - beta2^t)) + epsilon) + delta m)
std::unique_ptr<WeightRule> make_adamw_rule(const WeightRuleConfig& config);

// RMSprop: AdamW with beta1 = 0 and without `debias`.
std::unique_ptr<WeightRule> make_rmsprop_rule(const WeightRuleConfig& config);

// Gradient descent with momentum, the rule for a Gaussian of fixed covariance:
//   m <- m - a (M' + delta m)
// The momentum is a mean: where it is a sum, as in heavy-ball steps, a is 1 - beta1 times as large.
std::unique_ptr<WeightRule> make_sgd_rule(const WeightRuleConfig& config);

// BayesBiNN (Meng, Bachmann and Khan, ICML 2020): weights of -1 and +1, each a Bernoulli of natural
// parameter l, which `state.mean` holds; its mean is tanh(l), its prior even (l = 0). A draw is the
// relaxed w = tanh((l + log(u / (1-u)) / 2) / temperature), u uniform. Each draw's gradient becomes
// the natural gradient g (1 - w^2 + c) / (temperature (1 - tanh(l)^2 + c)), c = 1e-10, and
//   M of ess g + l,   l <- l - a M'
// With the noise of the world messages are g alone, made natural here. As the temperature goes to 0
// the quotient goes to 0 wherever w is not 0; with temperature = c it is g / (1 - tanh(l)^2) there,
// the straight-through estimator. l begins as the network's initial weights: of matrices near even
// odds, while they still have an uncertainty to learn from (the paper's code begins at +-10, where
// none is left). Evaluated at the sign of l, which is kept as the mean beside sd = 1 / cosh(l); what
// is averaged after a training are draws of signs.
std::unique_ptr<WeightRule> make_bayesbinn_rule(const WeightRuleConfig& config, double ess);

}  // namespace bayesum
