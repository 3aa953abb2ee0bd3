#include "models/network/network_evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/agree.hpp"
#include "core/staging.hpp"
#include "distributed/sum_tree.hpp"
#include "kernels/error.hpp"
#include "kernels/parallel.hpp"
#include "models/network/paired_bootstrap.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kMostRows = 256;                      // of a batch
constexpr std::size_t kBatchValues = std::size_t{1} << 22;  // predicted at a time
constexpr std::size_t kPredictions = 2;                     // at the mean, averaged

// Where each sum of a prediction lies, after the sums of the whole.
enum Sum : std::size_t {
  kNll,
  kCorrect,
  kBrier,
  kEntropy,
  kSquaredError,
  kIn50,
  kIn90,
  kBinTargets,
  kBinConfidence = kBinTargets + kReliabilityBins,
  kBinCorrect = kBinConfidence + kReliabilityBins,
  kSums = kBinCorrect + kReliabilityBins
};
enum Whole : std::size_t { kTargets, kAleatoric, kWhole };
constexpr std::size_t kAllSums = kWhole + kPredictions * kSums;

std::string values_and_draws(const Predictor& predictor) {
  return std::to_string(predictor.draws->size()) + " draws of " +
         std::to_string(predictor.network->outputs()) + " outputs";
}

std::size_t bin_of(double confidence) {
  const double bin = std::ceil(confidence * static_cast<double>(kReliabilityBins)) - 1.0;
  return static_cast<std::size_t>(std::clamp(bin, 0.0, kReliabilityBins - 1.0));
}

// How many values each predicts of a target.
std::size_t values_of_all(std::span<const Predictor> predictors) {
  const Predictor& first = predictors.front();
  for (const Predictor& each : predictors) {
    if (each.network->outputs() == first.network->outputs() &&
        each.draws->size() == first.draws->size()) {
      continue;
    }
    throw Error(ExitCode::kUsage, "an average of " + values_and_draws(first) + " and of " +
                                      values_and_draws(each) + " would not be an equal mixture");
  }
  return first.network->outputs();
}

// Scores batches of examples, which are leaves of the tree of sums.
class NetworkEvaluator {
 public:
  NetworkEvaluator(const Stream& stream, std::span<const Predictor> predictors,
                   const Examples& examples, std::uint64_t seed)
      : stream_(stream),
        predictors_(predictors),
        values_(values_of_all(predictors)),
        length_(std::max<std::size_t>(examples.shape().context, 1)),
        columns_(std::max<std::size_t>(examples.shape().responses, 1)),
        is_classes_(examples.shape().responses == 0),
        is_tokens_(examples.shape().is_tokens()),
        rows_(std::clamp<std::size_t>(kBatchValues / (length_ * values_), 1, kMostRows)),
        feed_(examples, rows_, stream.device()),
        outputs_(rows_ * length_ * values_),
        classes_(is_classes_ ? rows_ * length_ : 0, values_),
        numbers_(is_classes_ ? 0 : rows_ * columns_),
        bootstrap_(seed) {}

  std::size_t rows() const { return rows_; }

  // The sums of `rows` examples from `first` on, the bootstrap's behind the others.
  std::vector<double> score(std::uint64_t first, std::size_t rows) {
    const ExampleBatch batch = feed_.fetch_in_order(stream_, first, rows);
    first_ = first;
    sums_.assign(kAllSums, 0.0);
    groups_.assign(rows, {});
    if (is_classes_) {
      score_classes(batch);
    } else {
      score_numbers(batch);
    }
    std::vector<double> all = sums_;
    bootstrap_.append(groups_, first, all);
    return all;
  }

  std::array<Uncertainty, kPredictions>& uncertainty() { return uncertainty_; }

 private:
  std::span<float> predict(const ExampleBatch& batch, Network& network, const Theta& theta) {
    const std::size_t size = batch.rows * (is_classes_ ? length_ : 1) * values_;
    network.predict(stream_, theta, batch, std::span(outputs_).first(size));
    return std::span(outputs_).first(size);
  }

  std::span<float> predict_at_mean(const ExampleBatch& batch) {
    const Predictor& first = predictors_.front();
    return predict(batch, *first.network, first.draws->mean());
  }

  // add(outputs) of every draw of every predictor.
  template <class Add>
  void for_each_draw(const ExampleBatch& batch, const Add& add) {
    for (const Predictor& each : predictors_) {
      for (std::size_t s = 0; s < each.draws->size(); ++s) {
        add(predict(batch, *each.network, each.draws->theta(stream_, s)));
      }
    }
  }

  void check(std::size_t row, double log_probability) const;
  void score_classes(const ExampleBatch& batch);
  void add_classes(std::size_t prediction);
  void add(std::size_t prediction, std::size_t target, const ClassOutcome& outcome);
  void score_numbers(const ExampleBatch& batch);
  void add_numbers(std::size_t prediction, std::span<const float> responses);
  double& sum(std::size_t prediction, std::size_t which) {
    return sums_[kWhole + prediction * kSums + which];
  }

  const Stream& stream_;
  std::span<const Predictor> predictors_;
  std::size_t values_;  // predicted of a target
  std::size_t length_;
  std::size_t columns_;
  bool is_classes_;
  bool is_tokens_;
  std::size_t rows_;
  ExampleFeed feed_;
  std::vector<float> outputs_;
  AveragedClasses classes_;
  AveragedNumbers numbers_;
  PairedBootstrap bootstrap_;
  std::uint64_t first_ = 0;  // example of the batch
  std::vector<double> sums_;
  std::vector<PairedBootstrap::Group> groups_;
  std::vector<std::int32_t> targets_;  // that count
  std::vector<std::int32_t> asked_;    // that something is predicted of
  std::array<Uncertainty, kPredictions> uncertainty_;
};

void NetworkEvaluator::check(std::size_t row, double log_probability) const {
  if (std::isfinite(log_probability)) return;
  throw Error(ExitCode::kNumerical, "what the network says of example " +
                                        std::to_string(first_ + row) +
                                        ", counted from 0, has no finite log-probability");
}

void NetworkEvaluator::score_classes(const ExampleBatch& batch) {
  targets_.resize(batch.targets.size());
  copy<std::int32_t>(stream_, batch.targets, targets_);
  asked_ = targets_;
  if (!is_tokens_) std::ranges::replace(asked_, kNoTarget, 0);
  classes_.clear();
  classes_.add(predict_at_mean(batch), asked_);
  add_classes(0);
  classes_.clear();
  for_each_draw(batch, [&](std::span<const float> outputs) { classes_.add(outputs, asked_); });
  add_classes(1);
  for (std::size_t target = 0; target < targets_.size(); ++target) {
    if (targets_[target] == kNoTarget) continue;
    sums_[kTargets] += 1;
    sums_[kAleatoric] += classes_.mean_entropy(target);
    groups_[target / length_][PairedBootstrap::kTargets] += 1;
  }
}

void NetworkEvaluator::add_classes(std::size_t prediction) {
  std::vector<ClassOutcome> outcomes(targets_.size());
  cpu::parallel_for(targets_.size(), [&](std::size_t target) {
    if (asked_[target] == kNoTarget) return;
    outcomes[target] = outcome_of(classes_.probabilities(target), classes_.log_probability(target),
                                  asked_[target]);
  });
  Uncertainty& unsure = uncertainty_[prediction];
  for (std::size_t first = 0; first < targets_.size(); first += length_) {
    double asked = 0, entropy = 0, confidence = 0;
    for (std::size_t target = first; target < first + length_; ++target) {
      if (asked_[target] == kNoTarget) continue;
      check(target / length_, outcomes[target].log_probability);
      asked += 1;
      entropy += outcomes[target].entropy;
      confidence += outcomes[target].confidence;
      if (targets_[target] != kNoTarget) add(prediction, target, outcomes[target]);
    }
    unsure.entropy.push_back(entropy / asked);
    unsure.confidence.push_back(confidence / asked);
  }
}

void NetworkEvaluator::add(std::size_t prediction, std::size_t target,
                           const ClassOutcome& outcome) {
  const std::size_t bin = bin_of(outcome.confidence);
  sum(prediction, kNll) -= outcome.log_probability;
  sum(prediction, kCorrect) += outcome.correct;
  sum(prediction, kBrier) += outcome.brier;
  sum(prediction, kEntropy) += outcome.entropy;
  sum(prediction, kBinTargets + bin) += 1;
  sum(prediction, kBinConfidence + bin) += outcome.confidence;
  sum(prediction, kBinCorrect + bin) += outcome.correct;
  PairedBootstrap::Group& group = groups_[target / length_];
  group[PairedBootstrap::loss(prediction)] -= outcome.log_probability;
  group[PairedBootstrap::part(prediction, bin)] += outcome.correct - outcome.confidence;
}

void NetworkEvaluator::score_numbers(const ExampleBatch& batch) {
  std::vector<float> responses(batch.rows * columns_);
  copy<float>(stream_, {batch.response.data, responses.size()}, responses);
  numbers_.clear();
  numbers_.add(predict_at_mean(batch), responses, columns_);
  add_numbers(0, responses);
  numbers_.clear();
  for_each_draw(
      batch, [&](std::span<const float> outputs) { numbers_.add(outputs, responses, columns_); });
  add_numbers(1, responses);
  sums_[kTargets] += static_cast<double>(responses.size());
  for (PairedBootstrap::Group& group : groups_) {
    group[PairedBootstrap::kTargets] = static_cast<double>(columns_);
  }
}

void NetworkEvaluator::add_numbers(std::size_t prediction, std::span<const float> responses) {
  for (std::size_t target = 0; target < responses.size(); ++target) {
    const NumberOutcome outcome = numbers_.outcome(target);
    check(target / columns_, outcome.log_density);
    const double error = double{responses[target]} - outcome.mean;
    const double from_middle = std::abs(outcome.transform - 0.5);
    sum(prediction, kNll) -= outcome.log_density;
    sum(prediction, kSquaredError) += error * error;
    sum(prediction, kIn50) += from_middle <= 0.25 ? 1 : 0;
    sum(prediction, kIn90) += from_middle <= 0.45 ? 1 : 0;
    PairedBootstrap::Group& group = groups_[target / columns_];
    group[PairedBootstrap::loss(prediction)] -= outcome.log_density;
    group[PairedBootstrap::part(prediction, 0)] += error * error;
  }
}

NetworkScores scores_of(std::span<const double> sums, double targets, bool classes,
                        const RowDesign& design) {
  NetworkScores scores;
  if (!classes) {
    scores.nll = sums[kNll] / targets + std::log(design.response_sd);
    scores.rmse = design.response_sd * std::sqrt(sums[kSquaredError] / targets);
    scores.coverage50 = sums[kIn50] / targets;
    scores.coverage90 = sums[kIn90] / targets;
    return scores;
  }
  scores.nll = sums[kNll] / targets;
  scores.accuracy = sums[kCorrect] / targets;
  scores.brier = sums[kBrier] / targets;
  scores.entropy = sums[kEntropy] / targets;
  for (std::size_t b = 0; b < kReliabilityBins; ++b) {
    const double in_bin = sums[kBinTargets + b];
    const double width = 1.0 / static_cast<double>(kReliabilityBins);
    scores.bins.push_back({.low = static_cast<double>(b) * width,
                           .high = static_cast<double>(b + 1) * width,
                           .targets = in_bin,
                           .confidence = sums[kBinConfidence + b] / in_bin,
                           .accuracy = sums[kBinCorrect + b] / in_bin});
    scores.ece += std::abs(sums[kBinCorrect + b] - sums[kBinConfidence + b]) / targets;
  }
  return scores;
}

// Collective: the sums over all examples, on every rank.
std::vector<double> sums_of_all(const Stream& stream, Communicator& ranks,
                                NetworkEvaluator& evaluator, std::uint64_t count) {
  const std::size_t rows = evaluator.rows();
  const std::size_t batches = (count + rows - 1) / rows;
  const Stream wire = wire_stream(stream, ranks);
  SumTree tree(batches, kAllSums + PairedBootstrap::kSize, wire.device());
  agree(ranks, stream, [&] {
    const Range mine = shards_of_rank(batches, ranks.size(), ranks.rank());
    for (std::size_t batch = mine.first; batch < mine.last; ++batch) {
      const std::uint64_t first = std::uint64_t{batch} * rows;
      const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(rows, count - first));
      Buffer<double> leaf = tree.take();
      copy<double>(wire, evaluator.score(first, there), leaf.span());
      tree.add(wire, batch, std::move(leaf));
      ranks.activity().move();
    }
  });
  Buffer<double> root(wire.device(), kAllSums + PairedBootstrap::kSize);
  tree.finish(wire, ranks, root.span());
  ranks.broadcast(wire, root.span(), 0);
  std::vector<double> sums(root.size());
  copy<double>(wire, root.span(), sums);
  return sums;
}

// Collective: what each rank knows of its examples, on every rank.
void gather_uncertainty(const Stream& stream, Communicator& ranks, std::size_t rows,
                        std::uint64_t count, std::array<Uncertainty, kPredictions>& uncertainty) {
  std::vector<std::size_t> counts;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const Range part = shards_of_rank((count + rows - 1) / rows, ranks.size(), rank);
    counts.push_back(std::min<std::size_t>(part.last * rows, count) -
                     std::min<std::size_t>(part.first * rows, count));
  }
  for (Uncertainty& each : uncertainty) {
    each.entropy = gather<double>(stream, ranks, each.entropy, counts);
    each.confidence = gather<double>(stream, ranks, each.confidence, counts);
  }
}

NetworkEvaluation evaluation_of(std::span<const double> sums, bool classes,
                                const RowDesign& design) {
  NetworkEvaluation found;
  found.classes = classes;
  found.targets = sums[kTargets];
  const auto of = [&](std::size_t prediction) {
    return scores_of(sums.subspan(kWhole + prediction * kSums, kSums), found.targets, classes,
                     design);
  };
  found.mean = of(0);
  found.averaged = of(1);
  found.aleatoric = sums[kAleatoric] / found.targets;
  found.epistemic = found.averaged.entropy - found.aleatoric;
  const auto [nll, calibration] = PairedBootstrap::intervals(sums.subspan(kAllSums), classes);
  const double unit = classes ? 1.0 : design.response_sd;
  found.nll = {found.averaged.nll - found.mean.nll, nll.low, nll.high};
  found.calibration = {
      classes ? found.averaged.ece - found.mean.ece : found.averaged.rmse - found.mean.rmse,
      unit * calibration.low, unit * calibration.high};
  return found;
}

}  // namespace

NetworkEvaluation evaluate_network(const Stream& stream, Communicator& ranks,
                                   std::span<const Predictor> predictors, const Examples& examples,
                                   const RowDesign& design, std::uint64_t seed) {
  std::optional<NetworkEvaluator> evaluator;
  agree(ranks, stream, [&] { evaluator.emplace(stream, predictors, examples, seed); });
  const std::uint64_t count = examples.size_in_order();
  const bool classes = examples.shape().responses == 0;
  const std::vector<double> sums = sums_of_all(stream, ranks, *evaluator, count);
  NetworkEvaluation found = evaluation_of(sums, classes, design);
  found.examples = static_cast<double>(count);
  found.draws = predictors.size() * predictors.front().draws->size();
  if (!classes) return found;
  auto& uncertainty = evaluator->uncertainty();
  gather_uncertainty(stream, ranks, evaluator->rows(), count, uncertainty);
  found.at_mean = std::move(uncertainty[0]);
  found.at_average = std::move(uncertainty[1]);
  return found;
}

double area_under_roc(std::span<const double> first, std::span<const double> second) {
  using Scored = std::pair<double, bool>;
  std::vector<Scored> all;
  for (const double x : first) all.emplace_back(x, false);
  for (const double x : second) all.emplace_back(x, true);
  std::erase_if(all, [](const auto& each) { return std::isnan(each.first); });
  std::ranges::sort(all);
  const auto seconds = static_cast<double>(std::ranges::count(all, true, &Scored::second));
  const double firsts = static_cast<double>(all.size()) - seconds;
  double wins = 0, below = 0;
  for (std::size_t i = 0, j = 0; i < all.size(); i = j) {
    double low = 0, high = 0;
    for (j = i; j < all.size() && all[j].first == all[i].first; ++j) {
      (all[j].second ? high : low) += 1;
    }
    wins += high * (below + 0.5 * low);
    below += low;
  }
  return wins / (firsts * seconds);
}

}  // namespace bayesum
