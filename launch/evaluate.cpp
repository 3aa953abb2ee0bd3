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
#include "launch/network/evaluate_network.hpp"
#include "launch/report.hpp"
#include "launch/table.hpp"
#include "models/latent/latent_report.hpp"
#include "models/network/open_network.hpp"

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

std::string json(const LatentScores& found) {
  std::ostringstream text;
  text << members({{"rows", found.rows}}) << ", \"scores\": [";
  const char* separator = "";
  for (const Score& each : found.scores) {
    text << separator << "{\"name\": \"" << each.name << "\", "
         << members({{"value", each.model}, {"baseline", each.baseline}}) << "}";
    separator = ", ";
  }
  text << "]";
  return text.str();
}

// What is asked for, each where there is one.
struct Findings {
  std::optional<Evaluation> scores;
  std::optional<LatentScores> latent;
  std::optional<Psis> psis;
};

void tell_json(const Findings& found) {
  std::string text;
  const auto add = [&](const auto& part) {
    if (part) text += (text.empty() ? "" : ", ") + json(*part);
  };
  add(found.scores);
  add(found.latent);
  add(found.psis);
  std::cout << "{" << text << "}\n";
}

void tell(const TrainedModel& trained, const Findings& found) {
  if (found.scores) {
    std::cout << counted(static_cast<std::size_t>(found.scores->rows), "row") << "\n\n"
              << score_table(trained, *found.scores).text() << "\n"
              << calibration_table(*found.scores).text();
  }
  if (found.latent) {
    std::cout << counted(static_cast<std::size_t>(found.latent->rows), "row") << "\n\n"
              << score_table(trained, *found.latent).text();
  }
  if (found.psis) {
    std::cout << (found.scores || found.latent ? "\n" : "")
              << psis_table(*found.psis).text(Table::kLeft) << "\n"
              << verdict(*found.psis) << "\n";
  }
}

}  // namespace

ExitCode evaluate(const EvaluateOptions& options, Job& job) {
  Communicator& ranks = job.ranks();
  bool network = false;
  agree(ranks, Stream(), [&] { network = is_network_file(posterior_path(options.trained.at(0))); });
  if (network) return evaluate_network(options, job);
  TrainedModel trained;
  agree(ranks, Stream(), [&] {
    trained = load_trained(options.trained.front());
    if (options.data.path.empty() && options.training.path.empty()) {
      throw Error(ExitCode::kUsage,
                  "evaluate needs held-out rows (--data), the rows of the "
                  "training (--training), or both");
    }
    if (options.trained.size() > 1) {
      throw Error(ExitCode::kUsage,
                  options.trained.front().string() +
                      " is no network: several runs are averaged of networks alone");
    }
  });
  Findings found;
  if (!options.data.path.empty() && has_latent_rows(trained)) {
    found.latent = score_latent_rows(trained, options.data, ranks);
  } else if (!options.data.path.empty()) {
    found.scores = score_held_out(trained, options.data, ranks);
  }
  if (!options.training.path.empty()) {
    found.psis = judge_posterior(trained, options.training, options.draws, ranks);
  }
  if (ranks.rank() == 0) {
    if (options.json) {
      tell_json(found);
    } else {
      tell(trained, found);
    }
    std::cout << std::flush;
  }
  return ExitCode::kDone;
}

}  // namespace bayesum
