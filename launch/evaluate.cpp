#include <algorithm>
#include <cmath>
#include <iostream>
#include <sstream>
#include <utility>
#include <vector>

#include "core/agree.hpp"
#include "distributed/virtual_shards.hpp"
#include "launch/commands.hpp"
#include "launch/report.hpp"
#include "launch/table.hpp"
#include "models/evaluation.hpp"
#include "models/latent_report.hpp"

namespace bayesum {
namespace {

constexpr std::int64_t kShards = 64;

std::string score(double x) { return std::isnan(x) ? "" : rounded(x, 5); }

std::string readable(const TrainedModel& trained, const Evaluation& scores) {
  Table table({"", trained.model.name, "baseline"});
  table.add({"mean log predictive density", score(scores.log_density),
             score(scores.baseline_log_density)});
  table.add({scores.error_name, score(scores.error), score(scores.baseline_error)});
  if (!std::isnan(scores.brier)) {
    table.add({"Brier score", score(scores.brier), score(scores.baseline_brier)});
  }
  table.add({"coverage of 50 % intervals", score(scores.coverage50), ""});
  table.add({"coverage of 90 % intervals", score(scores.coverage90), ""});
  table.add({"calibration error", score(scores.calibration_error), ""});
  Table bins({std::isnan(scores.brier) ? "PIT" : "predicted probability", "share", "predicted",
              "observed"});
  for (const CalibrationBin& bin : scores.bins) {
    bins.add({fixed(bin.low, 1) + " to " + fixed(bin.high, 1), fixed(bin.share, 4),
              fixed(bin.predicted, 4), fixed(bin.observed, 4)});
  }
  return counted(static_cast<std::size_t>(scores.rows), "row") + "\n\n" + table.text() + "\n" +
         bins.text();
}

std::string number(double x) { return std::isfinite(x) ? rounded(x, 17) : "null"; }

// What stands between the braces of an object.
std::string members(const std::vector<std::pair<const char*, double>>& values) {
  std::ostringstream text;
  for (const auto& [key, value] : values) {
    text << (text.tellp() > 0 ? ", " : "") << '"' << key << "\": " << number(value);
  }
  return text.str();
}

std::string json(const Evaluation& scores) {
  std::ostringstream text;
  text << "{"
       << members({{"rows", scores.rows},
                   {"log_density", scores.log_density},
                   {"baseline_log_density", scores.baseline_log_density},
                   {"error", scores.error},
                   {"baseline_error", scores.baseline_error},
                   {"brier", scores.brier},
                   {"baseline_brier", scores.baseline_brier},
                   {"coverage50", scores.coverage50},
                   {"coverage90", scores.coverage90},
                   {"calibration_error", scores.calibration_error}})
       << ", \"error_name\": \"" << scores.error_name << "\", \"bins\": [";
  const char* separator = "";
  for (const CalibrationBin& bin : scores.bins) {
    text << separator << "{"
         << members({{"low", bin.low},
                     {"high", bin.high},
                     {"share", bin.share},
                     {"predicted", bin.predicted},
                     {"observed", bin.observed}})
         << "}";
    separator = ", ";
  }
  text << "]}\n";
  return text.str();
}

std::string readable(const TrainedModel& trained, double rows, const std::vector<Score>& scores) {
  Table table({"", trained.model.name, "baseline"});
  for (const Score& each : scores) {
    table.add({each.name, score(each.model), score(each.baseline)});
  }
  return counted(static_cast<std::size_t>(rows), "row") + "\n\n" + table.text();
}

std::string json(double rows, const std::vector<Score>& scores) {
  std::ostringstream text;
  text << "{" << members({{"rows", rows}}) << ", \"scores\": [";
  const char* separator = "";
  for (const Score& each : scores) {
    text << separator << "{\"name\": \"" << each.name << "\", "
         << members({{"value", each.model}, {"baseline", each.baseline}}) << "}";
    separator = ", ";
  }
  text << "]}\n";
  return text.str();
}

std::string text_of(const TrainedModel& trained, const Evaluator& evaluator, bool as_json) {
  const Evaluation scores = evaluator.result();
  return as_json ? json(scores) : readable(trained, scores);
}

std::string text_of(const TrainedModel& trained, const LatentEvaluator& evaluator, bool as_json) {
  const std::vector<Score> scores = evaluator.result();
  return as_json ? json(evaluator.rows(), scores) : readable(trained, evaluator.rows(), scores);
}

// Every rank scores the rows of its shards, and the first tells of all.
template <class Scorer>
void score_rows(const EvaluateOptions& options, Communicator& ranks, const TrainedModel& trained) {
  const Stream stream;
  std::optional<Scorer> scorer;
  agree(ranks, stream, [&] {
    scorer.emplace(trained);
    DataConfig config = trained.columns;
    config.path = options.data.string();
    config.features = trained.design.features;
    config.virtual_shards = kShards;
    config.cache_mib = 0;
    Dataset data(config, support_of(trained.model.name));
    data.set_design(trained.design);
    const Range mine = shards_of_rank(kShards, ranks.size(), ranks.rank());
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      data.visit(stream, shard, [&](const Batch& batch) { scorer->add(batch); });
    }
  });
  scorer->reduce(stream, ranks);
  agree(ranks, stream, [&] {
    const std::string text = text_of(trained, *scorer, options.json);
    if (ranks.rank() == 0) std::cout << text << std::flush;
  });
}

}  // namespace

ExitCode evaluate(const EvaluateOptions& options, Job& job) {
  Communicator& ranks = job.ranks();
  TrainedModel trained;
  agree(ranks, Stream(), [&] { trained = load_trained(options.trained); });
  if (has_latent_rows(trained)) {
    score_rows<LatentEvaluator>(options, ranks, trained);
  } else {
    score_rows<Evaluator>(options, ranks, trained);
  }
  return ExitCode::kDone;
}

}  // namespace bayesum
