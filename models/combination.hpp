#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/sites.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// A term of a sum of posteriors, in natural parameters:
//
//   a posterior           lambda_prior + what its data taught
//   a site of one         what a piece of its data taught
//   the common prior      lambda_prior
struct Term {
  std::int64_t sign = 1;              // or -1
  std::string name;                   // as the user calls it, for messages
  const TrainedModel* run = nullptr;  // the posterior, or the one that the site belongs to; null:
                                      // the common prior
  const Sites* sites = nullptr;       // of the run, where the term is one of them
  const Site* site = nullptr;
};

// The sum. It must hold the prior exactly once:
//
//   a + b - prior       what both taught; of disjoint data under one prior
//   a - site            a without the rows of the site
//   prior + site + ...  what some pieces taught
//
// Exact for conjugate models: equal to training on those data, to rounding. For others lambda of
// the result is where training on them may start (run.start).
//
// The result is a trained model as training gives it, with the prior, the columns and the
// configuration that all terms share. summary: rows and weights are counted, moments pooled; of a
// site that is taken away the rows are known, its weight is taken in proportion and the moments
// stay. The shards of the data are unknown to it, `sources` tells what it has learned from. fit: no
// steps; for conjugate models the ELBO (log evidence), loss and a residual of 0; NaN for others.
//
// Error(kUsage), one sentence naming the terms: another model, block, response, column,
// standardization or prior; sites of another posterior; a prior that does not count once; data
// learned from twice (unless `allow_overlap`) or taken away where they are not; and
// Error(kNumerical) naming the block that is no proper posterior.
TrainedModel combine(const std::vector<Term>& terms, bool allow_overlap);

}  // namespace bayesum
