#pragma once

#include <vector>

#include "core/data/dataset.hpp"
#include "models/predictive_distribution.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// The posterior predictive distribution of every row of a batch in host memory, read through the
// trained design, p(y | x) = E_q[p(y | x, theta)]:
//
//   logistic  Bernoulli mixture over z ~ N(x'm + offset, x' Sigma x)
//   probit    Bernoulli of probability Phi(mean of z / sqrt(1 + variance of z))
//   poisson   Poisson mixture over the same z
//   negative-binomial   likewise
//   softmax   probabilities of the classes (models/regression/class_prediction.hpp), of dense
//             rows alone
//   linear    x'm + offset + sqrt(b/a (1 + x' Lambda^-1 x)) t_2a
//   student-t   the same with 1/u for the 1, u ~ Gamma(nu/2, nu/2)
//
// It is the distribution of one response: weights, which multiply log-likelihoods, play no part.
// Where the batch has a response (NaN is none), its density and distribution function are given
// too. Error(kUsage) when x has other columns than the design, and for a model without a response
// (beta-bernoulli).
std::vector<Prediction> predict(const TrainedModel& trained, const Batch& batch);

// The same for a baseline that knows the responses of the training rows and no features: Bernoulli
// of their mean, Poisson or negative binomial of their rate times e^offset, normal of their mean
// and sd, classes by their frequencies.
std::vector<Prediction> predict_baseline(const TrainedModel& trained, const Batch& batch);

}  // namespace bayesum
