#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/data/dataset.hpp"
#include "models/predictive_distribution.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// What softmax regression predicts: the probability of each class, averaged over draws of the
// coefficients from q,
//
//   P(y = c | x) = mean_s softmax(0, x' theta_s1, ..., x' theta_s(C-1))_c,
//
// 256 of them in antithetic pairs, the same for every row, so that a row's prediction does not
// depend on its neighbours. Its Monte Carlo error is below sd[p(c | x, theta)] / 16.

// Of every row of a dense batch in host memory; see predict().
std::vector<Prediction> predict_classes(const TrainedModel& trained, const Batch& batch);

// The class frequencies of the training data; where they are not known, all classes alike.
std::vector<double> class_frequencies(const TrainedModel& trained);
// Of these probabilities. What is not of classes is NaN.
Prediction class_prediction(std::vector<double> probabilities, std::optional<double> y);

}  // namespace bayesum
