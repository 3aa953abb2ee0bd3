#include "launch/network/network_assessment.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "core/agree.hpp"
#include "core/files/json_object.hpp"
#include "kernels/error.hpp"
#include "launch/report.hpp"

namespace bayesum {
namespace {

std::string number(double x) { return rounded(x, 5); }

// The held-out data of the training, or others; null: there are none.
std::unique_ptr<Examples> held_out(const OpenNetwork& trained, const NetworkQuestion& question,
                                   std::string& name) {
  const OtherData& other = question.data;
  check_other_data(other, trained);
  ExamplesConfig data = trained.data;
  if (!other.path.empty()) {
    data.validation = other.path.string();
    data.validation_response = other.response;
    data.validation_rows.clear();
    data.validation_share = 0;
    if (other.format != "auto") data.format = other.format;
    if (!other.feature_names.empty()) data.feature_names = other.feature_names;
    if (trained.design.pixels > 0 && other.response.empty()) {
      throw Error(ExitCode::kUsage,
                  "--response does not name the file of labels of " + other.path.string());
    }
  }
  auto examples = open_held_out(trained, data);
  if (examples) {
    name = !data.validation.empty() ? data.validation : "the held-out part of " + data.path;
  } else if (question.must_score) {
    throw Error(ExitCode::kUsage, question.trained.front().string() +
                                      " was trained without held-out data: name some with --data");
  }
  return examples;
}

std::vector<double> negative(std::vector<double> values) {
  for (double& value : values) value = -value;
  return values;
}

// Posteriors that are averaged, and their draws. Not moved once it is open: draws look into it.
class Ensemble {
 public:
  void open(const Stream& stream, const NetworkQuestion& question) {
    for (const std::filesystem::path& path : question.trained) {
      trained_.push_back(open_network(stream, posterior_path(path)));
      check_alike(first(), question.trained.front().string(), trained_.back(), path.string());
      check_held_out(question, path);
    }
    for (const OpenNetwork& each : trained_) draws_.push_back(draws_of(each, question.draws));
    for (std::size_t k = 0; k < trained_.size(); ++k) {
      predictors_.push_back({trained_[k].network.get(), &draws_[k]});
    }
  }

  const OpenNetwork& first() const { return trained_.front(); }
  std::span<const Predictor> predictors() const { return predictors_; }

 private:
  // What one training held out another may have learned from.
  void check_held_out(const NetworkQuestion& question, const std::filesystem::path& path) const {
    if (!question.data.path.empty() ||
        trained_.back().description.fingerprint == first().description.fingerprint) {
      return;
    }
    throw Error(ExitCode::kUsage,
                path.string() + " was trained on other examples than " +
                    question.trained.front().string() +
                    ", perhaps on those that it held out: name held-out data with --data");
  }

  std::vector<OpenNetwork> trained_;
  std::vector<WeightDraws> draws_;
  std::vector<Predictor> predictors_;
};

Separation separation_of(const NetworkEvaluation& in, const NetworkEvaluation& out) {
  const auto by_entropy = [](const Uncertainty& a, const Uncertainty& b) {
    return area_under_roc(a.entropy, b.entropy);
  };
  const auto by_confidence = [](const Uncertainty& a, const Uncertainty& b) {
    return area_under_roc(negative(a.confidence), negative(b.confidence));
  };
  return {.path = {},
          .examples = out.examples,
          .entropy_at_mean = by_entropy(in.at_mean, out.at_mean),
          .entropy_averaged = by_entropy(in.at_average, out.at_average),
          .confidence_at_mean = by_confidence(in.at_mean, out.at_mean),
          .confidence_averaged = by_confidence(in.at_average, out.at_average)};
}

// Rows of a table: at the mean, averaged, their difference, its interval.
void add(Table& table, const std::string& name, double at_mean, double averaged) {
  table.add({name, number(at_mean), number(averaged), number(averaged - at_mean), ""});
}

void add(Table& table, const std::string& name, double at_mean, double averaged,
         const ScoreDifference& difference) {
  table.add({name, number(at_mean), number(averaged), number(difference.value),
             number(difference.low) + " to " + number(difference.high)});
}

void add_class_scores(Table& table, const NetworkFindings& found) {
  const NetworkEvaluation& scores = found.scores;
  if (found.shape.is_tokens()) {
    add(table, "perplexity", std::exp(scores.mean.nll), std::exp(scores.averaged.nll));
  }
  add(table, "accuracy", scores.mean.accuracy, scores.averaged.accuracy);
  add(table, "calibration error (ECE)", scores.mean.ece, scores.averaged.ece, scores.calibration);
  add(table, "Brier score", scores.mean.brier, scores.averaged.brier);
  add(table, "entropy", scores.mean.entropy, scores.averaged.entropy);
  table.add({"  within draws (aleatoric)", "", number(scores.aleatoric), "", ""});
  table.add({"  between draws (epistemic)", "", number(scores.epistemic), "", ""});
  if (!found.separation) return;
  add(table, "AUROC by entropy", found.separation->entropy_at_mean,
      found.separation->entropy_averaged);
  add(table, "AUROC by largest probability", found.separation->confidence_at_mean,
      found.separation->confidence_averaged);
}

JsonObject json_of(const NetworkScores& scores, bool classes) {
  JsonObject json;
  json.add("nll", scores.nll);
  if (!classes) {
    return json.add("rmse", scores.rmse)
        .add("coverage50", scores.coverage50)
        .add("coverage90", scores.coverage90);
  }
  std::vector<JsonObject> bins;
  for (const ReliabilityBin& bin : scores.bins) {
    bins.push_back(JsonObject()
                       .add("low", bin.low)
                       .add("high", bin.high)
                       .add("targets", bin.targets)
                       .add("confidence", bin.confidence)
                       .add("accuracy", bin.accuracy));
  }
  return json.add("perplexity", std::exp(scores.nll))
      .add("accuracy", scores.accuracy)
      .add("ece", scores.ece)
      .add("brier", scores.brier)
      .add("entropy", scores.entropy)
      .add("bins", bins);
}

JsonObject json_of(const ScoreDifference& difference) {
  return JsonObject()
      .add("value", difference.value)
      .add("low", difference.low)
      .add("high", difference.high);
}

JsonObject json_of(const Separation& separation) {
  return JsonObject()
      .add("data", separation.path)
      .add("examples", separation.examples)
      .add("auroc_entropy_mean", separation.entropy_at_mean)
      .add("auroc_entropy_averaged", separation.entropy_averaged)
      .add("auroc_probability_mean", separation.confidence_at_mean)
      .add("auroc_probability_averaged", separation.confidence_averaged);
}

}  // namespace

void check_other_data(const OtherData& data, const OpenNetwork& trained) {
  const bool tokens = trained.shape.is_tokens();
  const std::string of = tokens ? "texts and tokens" : "rows";
  const auto refuse = [&](const std::string& flag) {
    throw Error(ExitCode::kUsage, flag + " has no meaning here: the network learned from " + of);
  };
  if (!data.offset.empty()) refuse("--offset");
  if (!data.weight.empty()) refuse("--weight");
  if (tokens && !data.response.empty()) refuse("--response");
  if (tokens && !data.feature_names.empty()) refuse("--feature-names");
  const bool reads_tokens = data.format == "text" || data.format == "tokens";
  if (data.format != "auto" && reads_tokens != tokens) refuse("--format " + data.format);
}

NetworkFindings assess_network(const Stream& stream, Communicator& ranks,
                               const NetworkQuestion& question) {
  NetworkFindings found;
  Ensemble ensemble;
  std::unique_ptr<Examples> inside, outside;
  agree(ranks, stream, [&] {
    ensemble.open(stream, question);
    inside = held_out(ensemble.first(), question, found.data);
    if (!question.other.empty()) {
      outside = open_unlabelled(ensemble.first(), question.other, question.data.format);
    }
  });
  const OpenNetwork& trained = ensemble.first();
  const auto evaluate = [&](const Examples& examples) {
    return evaluate_network(stream, ranks, ensemble.predictors(), examples, trained.design,
                            trained.description.seed);
  };
  if (inside) found.scores = evaluate(*inside);
  if (inside && outside) {
    found.separation = separation_of(found.scores, evaluate(*outside));
    found.separation->path = question.other.string();
  }
  found.description = trained.description;
  found.runs = question.trained.size();
  found.network = trained.network->name();
  found.shape = trained.shape;
  return found;
}

std::string headline(const std::string& network, const NetworkDescription& trained) {
  return network + " trained by " + trained.rule + " for " +
         counted(static_cast<std::size_t>(trained.step), "step");
}

std::string headline(const NetworkFindings& found) {
  return (found.runs > 1 ? counted(found.runs, "run") + ", the first " : std::string()) +
         headline(found.network, found.description);
}

Table score_table(const NetworkFindings& found) {
  const NetworkEvaluation& scores = found.scores;
  const bool one = found.runs == 1;
  Table table({"", one ? "at the mean" : "first run's mean",
               "averaged over " + counted(scores.draws, "draw") +
                   (one ? std::string() : " of " + counted(found.runs, "run")),
               "difference", "95 % interval"});
  add(table, "negative log-likelihood", scores.mean.nll, scores.averaged.nll, scores.nll);
  if (scores.classes) {
    add_class_scores(table, found);
    return table;
  }
  add(table, "root mean squared error", scores.mean.rmse, scores.averaged.rmse, scores.calibration);
  add(table, "coverage of 50 % intervals", scores.mean.coverage50, scores.averaged.coverage50);
  add(table, "coverage of 90 % intervals", scores.mean.coverage90, scores.averaged.coverage90);
  return table;
}

Table reliability_table(const NetworkFindings& found) {
  Table table({"largest probability", "share at the mean", "predicted", "right", "share averaged",
               "predicted", "right"});
  const auto cells = [&](const ReliabilityBin& bin) {
    const double share = bin.targets / found.scores.targets;
    if (!(bin.targets > 0)) return std::vector<std::string>{"0", "", ""};
    return std::vector<std::string>{fixed(share, 4), fixed(bin.confidence, 4),
                                    fixed(bin.accuracy, 4)};
  };
  for (std::size_t b = 0; b < found.scores.mean.bins.size(); ++b) {
    const ReliabilityBin& bin = found.scores.mean.bins[b];
    const ReliabilityBin& averaged = found.scores.averaged.bins[b];
    if (!(bin.targets + averaged.targets > 0)) continue;
    std::vector<std::string> row{fixed(bin.low, 3) + " to " + fixed(bin.high, 3)};
    for (const auto& part : {cells(bin), cells(averaged)}) {
      row.insert(row.end(), part.begin(), part.end());
    }
    table.add(std::move(row));
  }
  return table;
}

std::string json(const NetworkFindings& found) {
  const NetworkEvaluation& scores = found.scores;
  JsonObject json;
  json.add("model", found.description.model)
      .add("data", found.data)
      .add("examples", scores.examples)
      .add("targets", scores.targets)
      .add("draws", static_cast<double>(scores.draws))
      .add("runs", static_cast<double>(found.runs))
      .add("mean", json_of(scores.mean, scores.classes))
      .add("averaged", json_of(scores.averaged, scores.classes))
      .add("nll_difference", json_of(scores.nll))
      .add(scores.classes ? "ece_difference" : "rmse_difference", json_of(scores.calibration));
  if (scores.classes) json.add("aleatoric", scores.aleatoric).add("epistemic", scores.epistemic);
  if (found.separation) json.add("ood", json_of(*found.separation));
  return json.text();
}

}  // namespace bayesum
