#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/trained_model.hpp"

namespace bayesum {

// What a training takes over from an earlier one, so that lambda of both are points of one space:
// the columns as the earlier one standardized them, and a prior in natural parameters, exactly.
//
// Yesterday's posterior as today's prior is Bayes' rule in sequence: lambda_today =
// lambda_yesterday
// + messages of today, which for conjugate models is the posterior of all data at once.
struct Continuation {
  PriorConfig prior_config;  // `posterior` is the hash of the natural parameters taken, no path
  Design design;
  Strings features;  // of the file, those of them that hold texts, and what a missing value is
  Strings categories;
  std::string missing;
  Prior prior;
  Sources prior_sources;
  std::optional<Posterior> start;  // where training starts, if not where the model says

  // Of everything here, which with the configuration and the data decides what training does; the
  // same whatever the path.
  std::uint64_t fingerprint() const;
};

// [prior] posterior, [prior] like and run.start, read; at most one of the first two. A start alone
// brings its own prior along.
struct Ancestors {
  std::optional<TrainedModel> posterior, like, start;
};

// Nothing when there are no ancestors. Error(kUsage), one sentence with the name of the ancestor
// (its key), when the training has another model, response, offset, weight or features, or when a
// start has other columns or another prior than what is taken besides.
std::optional<Continuation> continue_from(const Ancestors& ancestors, const ModelConfig& model,
                                          const DataConfig& data);

// The first way in which two designs differ, or empty: "feature 'age' is standardized by mean 40
// and sd 9 against mean 41 and sd 9". Likewise of the configurations of two models.
std::string difference(const Design& a, const Design& b);
std::string difference(ModelConfig a, ModelConfig b);

}  // namespace bayesum
