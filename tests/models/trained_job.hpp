#pragma once

#include "models/trained_model.hpp"
#include "tests/support/training.hpp"

namespace bayesum::testing {

// What the program would keep of a training.
inline TrainedModel trained_model(const Job& job, const Outcome& outcome) {
  return {.model = job.model,
          .prior_config = job.prior,
          .columns = job.data,
          .design = outcome.design,
          .summary = outcome.summary,
          .posterior = outcome.posterior,
          .prior = outcome.prior,
          .fit = outcome.result.last};
}

}  // namespace bayesum::testing
