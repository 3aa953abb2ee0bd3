#pragma once

#include <string>
#include <vector>

#include "models/network/open_network.hpp"

namespace bayesum {

// What a posterior says of the weights of one tensor.
struct WeightSummary {
  ParameterTensor tensor;
  double rms = 0;  // of the expectations of the weights
  double sd = 0;   // mean of the weights' sd; 0 where the rule keeps no posterior
  // |expectation| / sd of a weight: the median, of an even number the upper one, and the share of
  // those above 1. NaN where the rule keeps no posterior.
  double signal_to_noise = 0;
  double share_above_noise = 0;
};

// Of every tensor, in their order. The network lives on the host.
std::vector<WeightSummary> summarize_weights(const OpenNetwork& trained);

// The sd with which a training by this rule begins at every weight of the tensor, where it does not
// go on from an earlier one; of signs that at even odds.
double sd_at_start(const WeightRuleConfig& rule, double ess, const ParameterTensor& tensor);

}  // namespace bayesum
