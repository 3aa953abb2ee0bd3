#include "launch/assessment.hpp"

#include <cmath>
#include <memory>
#include <optional>

#include "core/agree.hpp"
#include "core/importance.hpp"
#include "distributed/virtual_shards.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::int64_t kFewestDraws = 100;
constexpr std::int64_t kMostDraws = 1000000;
constexpr double kMostReliable = 0.7;  // threshold of k-hat for any number of draws

std::string text_of(double score) { return std::isnan(score) ? "" : rounded(score, 5); }

// Every rank scores the rows of its shards.
template <class Scorer>
Scorer score(const TrainedModel& trained, const OtherData& rows, Communicator& ranks) {
  const Stream stream;
  std::optional<Scorer> scorer;
  agree(ranks, stream, [&] {
    scorer.emplace(trained, kHeldOutShards);
    DataConfig config = config_of(rows, trained);
    if (config.response.empty() && !trained.columns.response.empty()) {
      throw Error(ExitCode::kUsage, "the model was trained with the response " +
                                        trained.columns.response +
                                        " beside its rows: name that of these with --response");
    }
    config.virtual_shards = kHeldOutShards;
    Dataset data(config, support_of(trained.model.name));
    data.set_design(trained.design, keeps_sparse(*model_of(trained), trained.design));
    const Range mine = shards_of_rank(kHeldOutShards, ranks.size(), ranks.rank());
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      data.visit(stream, shard, [&](const Batch& batch) { scorer->add(batch); });
      scorer->end_shard();
    }
  });
  scorer->reduce(stream, ranks);
  agree(ranks, stream, [&] { scorer->result(); });
  return *scorer;
}

// What both passes over the training data read.
struct Training {
  std::optional<Dataset> data;
  std::unique_ptr<Model> model;
};

Training open_training(const TrainedModel& trained, const OtherData& rows, std::int64_t draws) {
  if (draws < kFewestDraws || draws > kMostDraws) {
    throw Error(ExitCode::kUsage, "--draws " + std::to_string(draws) + " is outside " +
                                      std::to_string(kFewestDraws) + " to " +
                                      std::to_string(kMostDraws));
  }
  if (trained.sources.by_parts()) {
    throw Error(ExitCode::kUsage,
                "the posterior has learned from some groups of its rows and not from others, so "
                "that it cannot be judged by all of them");
  }
  Training training;
  training.data.emplace(config_of_training(rows, trained), support_of(trained.model.name));
  training.model = model_of(trained);
  return training;
}

}  // namespace

Evaluation score_held_out(const TrainedModel& trained, const OtherData& rows, Communicator& ranks) {
  return score<Evaluator>(trained, rows, ranks).result();
}

LatentScores score_latent_rows(const TrainedModel& trained, const OtherData& rows,
                               Communicator& ranks) {
  return score<LatentEvaluator>(trained, rows, ranks).result();
}

Table score_table(const TrainedModel& trained, const LatentScores& found) {
  Table table({"", trained.model.name, "baseline"});
  for (const Score& each : found.scores) {
    table.add({each.name, text_of(each.model), text_of(each.baseline)});
  }
  return table;
}

Table score_table(const TrainedModel& trained, const Evaluation& scores) {
  Table table({"", trained.model.name, "baseline"});
  table.add({"mean log predictive density", text_of(scores.log_density),
             text_of(scores.baseline_log_density)});
  table.add({scores.score_name, text_of(scores.score), text_of(scores.baseline_score)});
  if (!std::isnan(scores.brier)) {
    table.add({"Brier score", text_of(scores.brier), text_of(scores.baseline_brier)});
  }
  if (!std::isnan(scores.coverage50)) {
    table.add({"coverage of 50 % intervals", text_of(scores.coverage50), ""});
    table.add({"coverage of 90 % intervals", text_of(scores.coverage90), ""});
  }
  table.add({"calibration error", text_of(scores.calibration_error), ""});
  return table;
}

Table calibration_table(const Evaluation& scores) {
  Table bins({std::isnan(scores.brier) ? "PIT" : "predicted probability", "share", "predicted",
              "observed"});
  for (const CalibrationBin& bin : scores.bins) {
    bins.add({fixed(bin.low, 1) + " to " + fixed(bin.high, 1), fixed(bin.share, 4),
              fixed(bin.predicted, 4), fixed(bin.observed, 4)});
  }
  return bins;
}

bool can_be_judged(const TrainedModel& trained) { return trained.model.name != "lda"; }

Psis judge_posterior(const TrainedModel& trained, const OtherData& rows, std::int64_t draws,
                     Communicator& ranks) {
  const Stream stream;
  Training training;
  agree(ranks, stream, [&] { training = open_training(trained, rows, draws); });
  const DataSummary summary = training.data->scan(stream, ranks);
  agree(ranks, stream, [&] {
    if (summary.fingerprint != trained.summary.fingerprint) {
      throw Error(ExitCode::kUsage, rows.path.string() + " does not hold the " +
                                        counted(trained.summary.rows, "row") +
                                        " that the posterior was trained on");
    }
    training.data->set_design(trained.design, keeps_sparse(*training.model, trained.design));
  });
  const auto log_ratios =
      log_importance_ratios(stream, ranks, *training.data, *training.model, trained.posterior,
                            static_cast<std::size_t>(draws), trained.seed);
  Psis psis;
  agree(ranks, stream, [&] {
    if (ranks.rank() == 0) psis = smooth_importance_ratios(log_ratios);
  });
  return psis;
}

std::string verdict(const Psis& psis) {
  const std::string k_hat = "k-hat " + fixed(psis.k_hat, 2);
  const std::string threshold = fixed(psis.threshold(), 2);
  if (std::isinf(psis.k_hat) && psis.k_hat < 0) {
    return k_hat + ": every draw has the same weight, so the posterior is exact as far as " +
           counted(psis.log_weights.size(), "draw") + " can tell";
  }
  if (psis.reliable()) {
    return k_hat + ", below " + threshold +
           ": the posterior is close enough to the exact one for importance sampling, which "
           "corrects what error is left";
  }
  if (psis.k_hat <= kMostReliable) {
    return k_hat + ", above " + threshold + ", which is as far as " +
           counted(psis.log_weights.size(), "draw") + " can be trusted: judge by more (--draws)";
  }
  return k_hat + ", above " + threshold +
         ": the posterior is too far from the exact one for importance sampling to correct it; do "
         "not take its intervals at their word";
}

Table psis_table(const Psis& psis) {
  const std::size_t draws = psis.log_weights.size();
  Table table({"", "importance sampling"});
  table.add({"k-hat", fixed(psis.k_hat, 3)});
  table.add({"threshold", fixed(psis.threshold(), 3)});
  table.add({"effective sample size",
             rounded(std::floor(psis.effective_draws), 7) + " of " + counted(draws, "draw")});
  return table;
}

}  // namespace bayesum
