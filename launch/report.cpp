#include "launch/report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "kernels/error.hpp"
#include "models/latent/topics.hpp"
#include "models/network/open_network.hpp"
#include "models/regression/coefficients.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kWordsOfATopic = 12;
constexpr std::size_t kCoefficientsTold = 40;

std::vector<std::string> cells(const Coefficient& coefficient) {
  return {coefficient.name, rounded(coefficient.mean), rounded(coefficient.sd),
          rounded(coefficient.low), rounded(coefficient.high)};
}

// The `count` with the largest |mean| / sd, largest first; those that have no sd come last.
void keep_largest(std::vector<Coefficient>& coefficients, std::size_t count) {
  const auto size = [](const Coefficient& coefficient) {
    const double ratio = coefficient.signal_to_noise();
    return std::isnan(ratio) ? -1.0 : ratio;
  };
  std::ranges::stable_sort(coefficients, std::ranges::greater{}, size);
  coefficients.resize(count);
}

}  // namespace

std::filesystem::path posterior_path(const std::filesystem::path& run_or_file) {
  if (!std::filesystem::is_directory(run_or_file)) return run_or_file;
  const std::filesystem::path file = run_or_file / "posterior.safetensors";
  if (std::filesystem::exists(file)) return file;
  const bool is_run = std::filesystem::exists(run_or_file / "config.toml");
  throw Error(ExitCode::kFile,
              run_or_file.string() +
                  (is_run ? " has no posterior yet: let its training end, or go on with it by "
                            "--run.resume auto"
                          : " is no run: it holds no posterior.safetensors"));
}

TrainedModel load_trained(const std::filesystem::path& run_or_file) {
  const std::filesystem::path path = posterior_path(run_or_file);
  if (is_network_file(path)) {
    throw Error(ExitCode::kUsage,
                path.string() + " is the posterior of a network, which has no place here");
  }
  return TrainedModel::from_file(read_tensors(path));
}

std::string headline(const TrainedModel& trained) {
  const std::string& response = trained.columns.response;
  return trained.model.name + " model of " + counted(trained.summary.rows, "row") + ": " +
         (response.empty() ? "" : response + " by ") +
         counted(trained.design.features.size(), "feature");
}

std::string blocks_text(const Posterior& q) {
  const std::vector<Block>& blocks = q.blocks();
  const auto alike = [](const Block& a, const Block& b) {
    return a.family->name() == b.family->name() && a.family->dimension() == b.family->dimension();
  };
  std::string text;
  for (std::size_t first = 0, last = 0; first < blocks.size(); first = last + 1) {
    for (last = first; last + 1 < blocks.size() && alike(blocks[first], blocks[last + 1]);) ++last;
    text += (first == 0 ? "" : ", ") + blocks[first].name +
            (last > first ? " to " + blocks[last].name : "") + ": " + blocks[first].family->name() +
            " of " + std::to_string(blocks[first].family->dimension());
  }
  return text;
}

Table topic_table(const TrainedModel& trained) {
  Table table({"", "share", "words"});
  for (const TopicSummary& topic : summarize_topics(trained, kWordsOfATopic)) {
    std::string words;
    for (const TopicSummary::Word& word : topic.words) {
      words += (words.empty() ? "" : ", ") + trained.design.features[word.index] + " " +
               fixed(word.probability, 4);
    }
    table.add({topic.name, fixed(topic.weight, 4), words});
  }
  return table;
}

std::string coefficient_table(const TrainedModel& trained) {
  if (trained.model.name == "lda") return topic_table(trained).text(Table::kLeft);
  Table table({"", "mean", "sd", "2.5 %", "97.5 %"});
  std::vector<Coefficient> told = coefficients(trained);
  const std::size_t count = told.size();
  if (count > kCoefficientsTold) keep_largest(told, kCoefficientsTold);
  for (const Coefficient& coefficient : told) table.add(cells(coefficient));
  if (told.size() == count) return table.text();
  return table.text() + "\nThese are the " + std::to_string(told.size()) + " of " +
         std::to_string(count) +
         " coefficients with the largest |mean| / sd; bayesum inspect shows all.\n";
}

Table contraction_table(const TrainedModel& trained) {
  Table table({"", "mean", "sd", "2.5 %", "97.5 %", "signal/noise", "prior sd", "contraction"});
  for (const Coefficient& coefficient : coefficients(trained)) {
    const double contraction = coefficient.contraction();
    std::vector<std::string> row = cells(coefficient);
    row.push_back(rounded(coefficient.signal_to_noise()));
    row.push_back(coefficient.flat_prior ? "flat" : rounded(coefficient.prior_sd));
    row.push_back(std::isnan(contraction) ? "" : fixed(contraction, 6));
    table.add(std::move(row));
  }
  return table;
}

}  // namespace bayesum
