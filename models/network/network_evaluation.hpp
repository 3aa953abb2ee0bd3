#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/examples/row_examples.hpp"
#include "core/weights/example_feed.hpp"
#include "distributed/communicator.hpp"
#include "models/network/network_prediction.hpp"

namespace bayesum {

inline constexpr std::size_t kReliabilityBins = 15;

// Targets of which the largest predicted probability lies in (low, high], what was predicted on
// average and what share of them came out so.
struct ReliabilityBin {
  double low = 0;
  double high = 0;
  double targets = 0;
  double confidence = 0;
  double accuracy = 0;
};

// Scores of one way to predict. Means are over targets: rows, or tokens.
struct NetworkScores {
  double nll = 0;  // mean of -log p(target), in nats; of a density, in the units of the file
  // Of classes and tokens.
  double accuracy = 0;
  // Expected calibration error, sum over bins b of equal width n_b / n |accuracy_b - confidence_b|
  // (Guo et al., ICML 2017).
  double ece = 0;
  double brier = 0;    // mean of sum over classes c of (p_c - [c is the target])^2, 0 to 2
  double entropy = 0;  // of the predictive distribution, in nats
  std::vector<ReliabilityBin> bins = {};
  // Of numbers, in the units of the file.
  double rmse = 0;
  double coverage50 = 0;  // share of targets in central intervals
  double coverage90 = 0;
};

// How much a score of the average differs from that at the mean, with the central 95 % interval
// of a paired bootstrap over examples, in which each counts so many times as a Poisson(1) number
// says (Hanley and MacGibbon, Computer Methods and Programs in Biomedicine 83, 2006).
struct ScoreDifference {
  double value = 0;
  double low = 0;
  double high = 0;
};

// What a classifier is unsure of, for each example in order: of windows of tokens the means over
// their targets, NaN where there are none.
struct Uncertainty {
  std::vector<double> entropy;
  std::vector<double> confidence;
};

struct NetworkEvaluation {
  bool classes = true;  // or numbers
  double examples = 0;
  double targets = 0;
  std::size_t draws = 0;   // of all predictors together
  NetworkScores mean;      // the first posterior's mean alone
  NetworkScores averaged;  // over all draws of all predictors
  // The entropy of the average is the mean entropy of the draws, which more data would not take
  // away, and the mutual information of target and weights, which they would.
  double aleatoric = 0;
  double epistemic = 0;
  ScoreDifference nll;
  ScoreDifference calibration;  // of the ECE, or of the RMSE
  Uncertainty at_mean;          // of classes and tokens
  Uncertainty at_average;
};

// A network and its weights, drawn; neither is owned. Several are an ensemble, the equal mixture
//   p(y | x) = 1/K sum_k 1/S sum_s p(y | x, theta_ks)
// over K trainings of S draws each. With one draw each, the mean, it is a deep ensemble
// (Lakshminarayanan, Pritzel and Blundell, NeurIPS 2017).
struct Predictor {
  Network* network = nullptr;
  WeightDraws* draws = nullptr;
};

// Collective: scores of all examples in order, at the mean of the first posterior and averaged over
// the draws of all; there is at least one, and they predict of the same examples. Labels of
// kNoTarget do not count. The result is the same on every rank, to the bit for any number of ranks.
// `design` says the units of a response. Holds for each example a few numbers, and the predictions
// of one batch. Error(kUsage) unless all make as many draws and predict the same outcomes,
// Error(kNumerical) naming an example of which a log-probability is not finite.
NetworkEvaluation evaluate_network(const Stream& stream, Communicator& ranks,
                                   std::span<const Predictor> predictors, const Examples& examples,
                                   const RowDesign& design, std::uint64_t seed);

// The area under the ROC curve by which `score` tells the second group from the first: the share of
// pairs in which that of the second is larger, ties counting half (Mann and Whitney, 1947). Scores
// of NaN do not count. NaN where a group is empty.
double area_under_roc(std::span<const double> first, std::span<const double> second);

}  // namespace bayesum
