#include <cmath>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/agree.hpp"
#include "kernels/error.hpp"
#include "launch/assessment.hpp"
#include "launch/commands.hpp"
#include "launch/report.hpp"

namespace bayesum {
namespace {

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
  text << members({{"rows", scores.rows},
                   {"log_density", scores.log_density},
                   {"baseline_log_density", scores.baseline_log_density},
                   {"score", scores.score},
                   {"baseline_score", scores.baseline_score},
                   {"brier", scores.brier},
                   {"baseline_brier", scores.baseline_brier},
                   {"coverage50", scores.coverage50},
                   {"coverage90", scores.coverage90},
                   {"calibration_error", scores.calibration_error}})
       << ", \"score_name\": \"" << scores.score_name << "\", \"bins\": [";
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
  text << "]";
  return text.str();
}

// An infinite k-hat, which is no number of JSON, is null; k_hat_reliable says which it was.
std::string json(const Psis& psis) {
  return members({{"k_hat", psis.k_hat},
                  {"k_hat_threshold", psis.threshold()},
                  {"draws", static_cast<double>(psis.log_weights.size())},
                  {"effective_draws", psis.effective_draws}}) +
         ", \"k_hat_reliable\": " + (psis.reliable() ? "true" : "false");
}

void tell_json(const std::optional<Evaluation>& scores, const std::optional<Psis>& psis) {
  std::cout << "{" << (scores ? json(*scores) : "") << (scores && psis ? ", " : "")
            << (psis ? json(*psis) : "") << "}\n";
}

void tell(const TrainedModel& trained, const std::optional<Evaluation>& scores,
          const std::optional<Psis>& psis) {
  if (scores) {
    std::cout << counted(static_cast<std::size_t>(scores->rows), "row") << "\n\n"
              << score_table(trained, *scores).text() << "\n"
              << calibration_table(*scores).text();
  }
  if (psis) {
    std::cout << (scores ? "\n" : "") << psis_table(*psis).text(Table::kLeft) << "\n"
              << verdict(*psis) << "\n";
  }
}

}  // namespace

ExitCode evaluate(const EvaluateOptions& options, Job& job) {
  Communicator& ranks = job.ranks();
  TrainedModel trained;
  agree(ranks, Stream(), [&] {
    if (options.data.path.empty() && options.training.path.empty()) {
      throw Error(ExitCode::kUsage,
                  "evaluate needs held-out rows (--data), the rows of the "
                  "training (--training), or both");
    }
    trained = load_trained(options.trained);
  });
  std::optional<Evaluation> scores;
  std::optional<Psis> psis;
  if (!options.data.path.empty()) scores = score_held_out(trained, options.data, ranks);
  if (!options.training.path.empty()) {
    psis = judge_posterior(trained, options.training, options.draws, ranks);
  }
  if (ranks.rank() == 0) {
    if (options.json) {
      tell_json(scores, psis);
    } else {
      tell(trained, scores, psis);
    }
    std::cout << std::flush;
  }
  return ExitCode::kDone;
}

}  // namespace bayesum
