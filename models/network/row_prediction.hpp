#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/examples/row_examples.hpp"
#include "core/weights/example_feed.hpp"
#include "models/network/network_prediction.hpp"
#include "models/predictive_distribution.hpp"

namespace bayesum {

// Y drawn from one of these Gaussians, each as probable as the others: mean and sd
//   E[Y] = mean of m_s,   Var[Y] = mean of s_s^2 + variance of m_s,
// and the interval by bisection of the distribution function, to rounding. As many sds as means, at
// least one.
Prediction gaussian_mixture_prediction(std::span<const double> means, std::span<const double> sds,
                                       std::optional<double> y);

// What a network says of rows, in the units of their file: at the mean of its posterior, and
// averaged over draws of its weights. Of classes probabilities are averaged; a number is a mixture
// of Gaussians, one for each draw with its own noise. Where a row has a response, its density is
// given too.
struct RowPredictions {
  std::vector<Prediction> at_mean;
  std::vector<Prediction> averaged;
};

class RowPredictor {
 public:
  // All of it outlives this. Error(kUsage) where what is predicted is not one class or number a
  // row.
  RowPredictor(const Stream& stream, Network& network, WeightDraws& draws, const Examples& examples,
               const RowDesign& design);

  std::size_t rows() const { return rows_; }  // predicted at a time
  // Of `rows` rows from `first` on, in the order of the file.
  RowPredictions predict(std::uint64_t first, std::size_t rows);

 private:
  // What theta makes the network say of the batch.
  std::span<const float> outputs(const ExampleBatch& batch, const Theta& theta);
  RowPredictions predict_classes(const ExampleBatch& batch);
  RowPredictions predict_numbers(const ExampleBatch& batch);

  const Stream& stream_;
  Network& network_;
  WeightDraws& draws_;
  const RowDesign& design_;
  std::size_t rows_;
  ExampleFeed feed_;
  std::vector<float> outputs_;
};

}  // namespace bayesum
