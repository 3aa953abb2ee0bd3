#include "launch/report.hpp"

#include <cmath>
#include <vector>

#include "launch/table.hpp"
#include "models/coefficients.hpp"
#include "models/latent_report.hpp"
#include "models/topics.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kWordsOfATopic = 12;

std::vector<std::string> cells(const Coefficient& coefficient) {
  return {coefficient.name, rounded(coefficient.mean), rounded(coefficient.sd),
          rounded(coefficient.low), rounded(coefficient.high)};
}

// A line for each topic: its share of the tokens, and its most probable words with their
// probabilities.
std::string topic_table(const TrainedModel& trained) {
  Table table({"", "weight", "words"});
  for (const TopicSummary& topic : summarize_topics(trained, kWordsOfATopic)) {
    std::string words;
    for (const TopicSummary::Word& word : topic.words) {
      words += (words.empty() ? "" : ", ") + trained.design.features[word.index] + " " +
               fixed(word.probability, 4);
    }
    table.add({topic.name, fixed(topic.weight, 4), words});
  }
  return table.text(Table::kLeft);
}

}  // namespace

std::filesystem::path posterior_path(const std::filesystem::path& run_or_file) {
  return std::filesystem::is_directory(run_or_file) ? run_or_file / "posterior.safetensors"
                                                    : run_or_file;
}

TrainedModel load_trained(const std::filesystem::path& run_or_file) {
  return TrainedModel::from_file(read_tensors(posterior_path(run_or_file)));
}

std::string headline(const TrainedModel& trained) {
  const std::string& response = trained.columns.response;
  return trained.model.name + " model of " + counted(trained.summary.rows, "row") + ": " +
         (response.empty() ? "" : response + " by ") +
         counted(trained.design.features.size(), "feature");
}

std::string coefficient_table(const TrainedModel& trained) {
  if (trained.model.name == "lda") return topic_table(trained);
  Table table({"", "mean", "sd", "2.5 %", "97.5 %"});
  for (const Coefficient& coefficient : coefficients(trained)) table.add(cells(coefficient));
  return table.text();
}

std::string contraction_table(const TrainedModel& trained) {
  if (has_latent_rows(trained)) return coefficient_table(trained);
  const TensorFile file = trained.to_file();
  const std::vector<double>& design_sd =
      file.tensor("sd." + trained.posterior.blocks().front().name).values;
  const std::vector<Coefficient> all = coefficients(trained);
  // Priors of coefficients beside a noise sigma are in its units; it is the last row.
  const bool has_noise =
      all.back().name == "sigma" && support_of(trained.model.name) == Support::kReal;
  const double unit = has_noise ? all.back().mean : 1.0;

  Table table({"", "mean", "sd", "2.5 %", "97.5 %", "prior sd", "contraction"});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool in_design = i < trained.design.columns();
    const double prior_sd = all[i].prior_sd * (in_design ? unit : 1.0);
    const double ratio = (in_design ? design_sd[i] : all[i].sd) / prior_sd;
    std::vector<std::string> row = cells(all[i]);
    row.push_back(in_design && std::isinf(prior_sd) ? "flat" : rounded(prior_sd));
    row.push_back(!in_design && std::isinf(prior_sd) ? "" : fixed(1.0 - ratio * ratio, 6));
    table.add(std::move(row));
  }
  return table.text();
}

}  // namespace bayesum
