#pragma once

#include <optional>

#include "core/sites.hpp"
#include "distributed/self.hpp"
#include "models/continuation.hpp"
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
          .fit = outcome.result.last,
          .seed = 1,
          .sources = sources_of(outcome.summary, job.data),
          .prior_sources = {}};
}

// What the program would make of a training, with the sites of its shards; on one rank.
struct Trained {
  TrainedModel model;
  Sites sites;
};

inline Trained train_as_program(const Job& job, const std::optional<Continuation>& from = {}) {
  const auto self = make_self_communicator();
  Setup setup(job, *self);
  TrainedModel trained;
  trained.model = job.model;
  trained.prior_config = job.prior;
  trained.columns = job.data;
  trained.sources = sources_of(setup.summary, job.data);
  if (from) {
    setup.data.set_design(from->design);
    setup.model = make_model(job.model, from->prior_config, from->design, setup.summary);
    setup.model->set_prior(from->prior);
    trained.prior_config = from->prior_config;
    trained.prior_sources = from->prior_sources;
    trained.sources.add(from->prior_sources, 1);
  }
  Trainer trainer = setup.trainer();
  if (from && from->start) trainer.start_at(*from->start);
  const TrainingResult result = trainer.run();
  trained.columns.features = setup.data.design().features;
  trained.design = setup.data.design();
  trained.summary = setup.summary;
  trained.posterior = result.posterior;
  trained.prior = setup.model->prior();
  trained.fit = result.last;
  return {trained, gather_sites({setup.stream, *self, setup.data, *setup.model}, result.posterior,
                                setup.summary, "")};
}

}  // namespace bayesum::testing
