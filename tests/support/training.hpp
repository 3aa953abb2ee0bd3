#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/trainer.hpp"
#include "models/make_model.hpp"
#include "tests/core/files.hpp"
#include "tests/support/table.hpp"

namespace bayesum::testing {

// A training as its configuration describes it.
struct Job {
  DataConfig data;
  ModelConfig model;
  PriorConfig prior;
  Trainer::Config trainer;
  std::uint64_t seed = 1;
};

// Writes the table into the folder; its columns play the parts that make_table gives them. What
// else there is to configure has its default.
Job make_job(const TemporaryFolder& folder, const std::string& model, const Table& table);
Job make_job(const TemporaryFolder& folder, const TableSpec& spec);

// What one rank of a job works with. Its making is collective.
struct Setup {
  Setup(const Job& job, Communicator& communicator);

  Trainer trainer(Trainer::Hooks hooks = {});
  // lambda in the layout of the model's posterior.
  Posterior posterior(std::span<const double> natural) const;

  Job job;
  Communicator& communicator;
  Stream stream;
  Dataset data;
  DataSummary summary;
  std::unique_ptr<Model> model;
};

// What one virtual shard teaches at q, counted as in training.
Message shard_message(Setup& setup, const Posterior& q, std::size_t shard);

// What all data teach at q, on one rank alone: the shards' messages, added in order.
struct WholeEvidence {
  std::vector<double> payload;  // as the model writes it: [g ; H] for a centred chart
  std::vector<double> natural;  // the message
  double loss = 0;              // - E_q[log p(data | theta)]
};
WholeEvidence evidence_at(Setup& setup, const Posterior& q);

// What a training ended with.
struct Outcome {
  Posterior posterior;
  Prior prior;
  Design design;
  DataSummary summary;
  TrainingResult result;
  std::vector<StepReport> reports;  // of every step
  TrainingState state;
  Traffic traffic;  // of training alone

  std::vector<double> natural() const {
    return {posterior.natural().begin(), posterior.natural().end()};
  }
};

// Collective: trains to the end of the job, from its own start or from a state.
Outcome train(const Job& job, Communicator& communicator, const TrainingState* from = nullptr);
// The same on so many ranks as threads: the outcome of rank 0, once every rank has been seen to
// hold the same posterior, bit for bit.
Outcome train_on_threads(const Job& job, int ranks, const TrainingState* from = nullptr);

// A state to start from: this posterior, nothing behind it.
TrainingState start_at(Posterior q);

}  // namespace bayesum::testing
