#pragma once

#include <filesystem>
#include <string>

#include "launch/table.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// RUN stands for the posterior in it. Error(kFile) for a folder that has none.
std::filesystem::path posterior_path(const std::filesystem::path& run_or_file);

// Reads a posterior file, or that of a run; see read_tensors and TrainedModel::from_file for
// errors; Error(kUsage) for that of a network.
TrainedModel load_trained(const std::filesystem::path& run_or_file);

// "poisson regression on 16152 rows: mdvis by 9 features"
std::string headline(const TrainedModel& trained);

// "weights: dirichlet of 3, component.1 to component.3: normal-wishart of 9": neighbours of one
// family and dimension together.
std::string blocks_text(const Posterior& q);

// The coefficients: name, mean, sd, central 95 % interval; of very many those that stand out most,
// which it says. Of topics: see topic_table.
std::string coefficient_table(const TrainedModel& trained);

// A line for each topic, the largest first: its share of the tokens, and its most probable words
// with their probabilities.
Table topic_table(const TrainedModel& trained);

// The coefficients with the signal-to-noise ratio |mean| / sd, the prior, and the contraction 1 -
// (posterior sd / prior sd)^2, both on the scale of the prior: 0 where the data said nothing, near
// 1 where they said all; none where a prior or posterior has no sd.
Table contraction_table(const TrainedModel& trained);

}  // namespace bayesum
