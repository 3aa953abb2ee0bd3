#pragma once

#include <cstddef>
#include <string>

#include "core/psis.hpp"
#include "distributed/communicator.hpp"
#include "launch/other_data.hpp"
#include "launch/table.hpp"
#include "models/evaluation.hpp"
#include "models/latent/latent_report.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// What a trained model is judged by: its scores of held-out rows, and how far its posterior is from
// the exact one given the rows that it was trained on.

inline constexpr std::int64_t kHeldOutShards = 64;

// Collective: held-out rows, each rank its shards. The result is the same on every rank.
Evaluation score_held_out(const TrainedModel& trained, const OtherData& rows, Communicator& ranks);

// The same for a model of rows without a response whose latent variables are scored.
LatentScores score_latent_rows(const TrainedModel& trained, const OtherData& rows,
                               Communicator& ranks);

// The scores beside those of the baseline, for people.
Table score_table(const TrainedModel& trained, const Evaluation& scores);
Table score_table(const TrainedModel& trained, const LatentScores& found);
Table calibration_table(const Evaluation& scores);

// Has its model a log-likelihood in closed form, by which it can be judged? That of topics has
// none: the proportions of each document would have to be integrated out.
bool can_be_judged(const TrainedModel& trained);

// Collective: importance sampling from the posterior to the joint density of the model and the rows
// it was trained on, with draws that the posterior's seed gives; two passes over the table. The
// result is rank 0's. Error(kUsage) when the table is not the one of the posterior, by its
// fingerprint, or the model has no log-likelihood in closed form, or the draws are too few or too
// many; Error(kNumerical) as core/psis.hpp says.
Psis judge_posterior(const TrainedModel& trained, const OtherData& training, std::int64_t draws,
                     Communicator& ranks);

// Whether the posterior can be trusted, in a sentence: "k-hat 0.23, below 0.67: ..."
std::string verdict(const Psis& psis);
Table psis_table(const Psis& psis);

}  // namespace bayesum
