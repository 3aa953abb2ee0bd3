#include "tests/support/training.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "distributed/thread.hpp"

namespace bayesum::testing {

Job make_job(const TemporaryFolder& folder, const std::string& model, const Table& table) {
  const auto role = [&](const std::string& column) { return table.has(column) ? column : ""; };
  Job job;
  job.data.path = folder.file("table.csv", table.csv()).string();
  job.data.response = role("y");
  job.data.offset = role("offset");
  job.data.weight = role("weight");
  job.model.name = model;
  return job;
}

Job make_job(const TemporaryFolder& folder, const TableSpec& spec) {
  return make_job(folder, spec.model, make_table(spec));
}

Setup::Setup(const Job& job_, Communicator& communicator_)
    : job(job_),
      communicator(communicator_),
      data(job.data, support_of(job.model.name)),
      summary(data.scan(stream, communicator)) {
  const Design design = make_design(job.model, data, summary);
  model = make_model(job.model, job.prior, design, summary, job.seed);
  data.set_design(design, model->takes_sparse());
}

Trainer Setup::trainer(Trainer::Hooks hooks) {
  return Trainer({stream, communicator, data, *model}, job.trainer, std::move(hooks));
}

Posterior Setup::posterior(std::span<const double> natural) const {
  Posterior q = model->initial_posterior();
  std::ranges::copy(natural, q.natural().begin());
  return q;
}

Message shard_message(Setup& setup, const Posterior& q, std::size_t shard) {
  Message message(q.size(), setup.stream.device());
  setup.model->prepare(setup.stream, q);
  std::size_t rows = 0;
  setup.data.visit(setup.stream, shard, [&](const Batch& batch) {
    setup.model->accumulate(setup.stream, batch, message);
    rows += batch.rows();
  });
  message.count(setup.stream, Message::kRows, static_cast<double>(rows));
  message.count_nonfinite(setup.stream);
  return message;
}

WholeEvidence evidence_at(Setup& setup, const Posterior& q) {
  Message sum(q.size(), setup.stream.device());
  for (std::size_t shard = 0; shard < setup.data.virtual_shards(); ++shard) {
    sum.add(setup.stream, shard_message(setup, q, shard));
  }
  WholeEvidence evidence{
      .payload = {sum.payload().begin(), sum.payload().end()}, .natural = {}, .loss = *sum.loss()};
  evidence.natural = evidence.payload;
  if (setup.model->chart() == Chart::kCentred) {
    q.natural_from_centred(evidence.payload, evidence.natural);
  }
  return evidence;
}

Outcome train(const Job& job, Communicator& communicator, const TrainingState* from) {
  Setup setup(job, communicator);
  const Traffic before = communicator.traffic();
  Outcome outcome;
  Trainer trainer =
      setup.trainer({.report = [&](const StepReport& r) { outcome.reports.push_back(r); },
                     .checkpoint = {},
                     .checkpoint_every = 0,
                     .stop_requested = {}});
  if (from != nullptr) trainer.restore(*from);
  outcome.result = trainer.run();
  outcome.traffic = {communicator.traffic().calls - before.calls,
                     communicator.traffic().bytes - before.bytes};
  outcome.posterior = trainer.posterior();
  outcome.prior = setup.model->prior();
  outcome.design = setup.data.design();
  outcome.summary = setup.summary;
  outcome.state = trainer.state();
  return outcome;
}

Outcome train_on_threads(const Job& job, int ranks, const TrainingState* from) {
  std::vector<std::optional<Outcome>> outcomes(static_cast<std::size_t>(ranks));
  run_on_threads(ranks, [&](Communicator& communicator) {
    outcomes[static_cast<std::size_t>(communicator.rank())] = train(job, communicator, from);
  });
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome->natural(), outcomes[0]->natural()) << "ranks hold different posteriors";
  }
  return *outcomes[0];
}

TrainingState start_at(Posterior q) {
  return {.step = 0,
          .previous_elbo = 0,
          .posterior = q,
          .control = {.scalars = StepControl({}).save().scalars,
                      .base_natural = std::vector<double>(q.size()),
                      .base_message = std::vector<double>(q.size())}};
}

}  // namespace bayesum::testing
