#include "launch/page.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "launch/assessment.hpp"
#include "launch/html.hpp"
#include "launch/page_parts.hpp"
#include "launch/page_style.hpp"
#include "launch/pictures.hpp"
#include "launch/report.hpp"
#include "models/latent/topics.hpp"
#include "models/regression/coefficients.hpp"

namespace bayesum {
namespace {

using html::element;
using html::escaped;
using html::figure;
using html::paragraph;
using html::section;
using html::verdict_paragraph;

constexpr std::size_t kMostEstimates = 60;  // in the forest plot
constexpr std::size_t kWordsOfALead = 5;    // of a topic
constexpr double kSettled = 1e-4;           // residual of a training that has come to rest

// The parameters that can be compared: the coefficients of features, each per standard deviation of
// its feature where the design divides by it. The intercept and a noise are of another kind; where
// there is nothing but what is of another kind, all of it.
struct Comparable {
  std::vector<Estimate> estimates;  // the clearest first
  bool has_zero = true;             // a value that says: no effect
  bool per_sd = false;
};

Comparable comparable(const TrainedModel& trained) {
  const std::vector<Coefficient> all = coefficients(trained);
  std::map<std::string, double> unit;
  for (std::size_t j = 0; j < trained.design.features.size(); ++j) {
    unit[trained.design.features[j]] = trained.design.sd[j];
  }
  std::vector<Coefficient> chosen;
  for (const Coefficient& coefficient : all) {
    if (unit.contains(coefficient.name)) chosen.push_back(coefficient);
  }
  Comparable result;
  result.has_zero = trained.posterior.blocks().front().name == "coefficients";
  result.per_sd = !chosen.empty() &&
                  std::ranges::any_of(trained.design.sd, [](double sd) { return sd != 1.0; });
  if (chosen.empty()) chosen = all;
  const auto clarity = [](const Coefficient& x) { return std::abs(x.mean) / x.sd; };
  std::ranges::stable_sort(chosen, std::greater{}, clarity);
  for (const Coefficient& x : chosen) {
    const auto found = unit.find(x.name);
    const double scale = found == unit.end() ? 1.0 : found->second;
    if (!std::isfinite(scale * (x.mean + x.low + x.high))) continue;
    result.estimates.push_back({x.name, scale * x.mean, scale * x.low, scale * x.high});
  }
  return result;
}

std::string words_of(const TrainedModel& trained, const TopicSummary& topic, std::size_t count) {
  std::string words;
  for (std::size_t i = 0; i < std::min(count, topic.words.size()); ++i) {
    words += (i == 0 ? "" : ", ") + trained.design.features[topic.words[i].index];
  }
  return words;
}

std::string interval_text(const Estimate& x) {
  return x.name + ", " + rounded(x.mean, 3) + " (95 % interval " + rounded(x.low, 3) + " to " +
         rounded(x.high, 3) + ")";
}

// What the posterior says in two sentences.
std::string lead(const Comparable& found) {
  const std::vector<Estimate>& all = found.estimates;
  if (all.empty()) return "The posterior has no parameter with a finite interval.";
  if (!found.has_zero) {
    return "The posterior is of " + counted(all.size(), "parameter") +
           ". The one known best for its size is " + interval_text(all.front()) + ".";
  }
  const auto clear = static_cast<std::size_t>(
      std::ranges::count_if(all, [](const Estimate& x) { return x.excludes_zero(); }));
  const std::string verb = clear == 1 ? " has a 95 % interval that excludes zero"
                                      : " have 95 % intervals that exclude zero";
  return "Of " + counted(all.size(), "coefficient") + ", " + std::to_string(clear) + verb +
         ". The clearest is " + interval_text(all.front()) +
         (found.per_sd ? " for one standard deviation of the feature." : ".");
}

std::string parameters_section(const Findings& of, const Comparable& found) {
  std::vector<Estimate> shown = found.estimates;
  const bool all = shown.size() <= kMostEstimates;
  if (!all) shown.resize(kMostEstimates);
  const std::string kind = found.has_zero ? "coefficient" : "parameter";
  std::string content;
  if (!shown.empty()) {
    const std::string axis =
        kind + (found.per_sd ? ", for one standard deviation of the feature" : "");
    const std::string note =
        std::string(
            "Points are posterior means, lines 95 % intervals; the clearest, by mean / sd, "
            "comes first.") +
        (found.has_zero ? " Grey intervals include zero." : "") +
        (all ? ""
             : " The other " + std::to_string(found.estimates.size() - shown.size()) +
                   " are in the table.");
    content += figure(all ? "Every " + kind + " with its uncertainty"
                          : "The " + std::to_string(shown.size()) + " clearest of " +
                                counted(found.estimates.size(), kind),
                      note, draw_forest(shown, axis, found.has_zero));
  }
  content +=
      html::table(contraction_table(of.trained),
                  "Means and intervals are on the scale of the data, prior sds on that of the "
                  "prior. Contraction is 1 - (posterior sd / prior sd)\u00b2: 0 where the data "
                  "said nothing, near 1 where they said all.");
  return section("What the posterior says", content);
}

// What the topics say in two sentences.
std::string lead(const TrainedModel& trained, const std::vector<TopicSummary>& topics) {
  const TopicSummary& largest = topics.front();
  return "The posterior is of " + counted(topics.size(), "topic") + " over " +
         counted(trained.design.features.size(), "word") + ". The largest, " + largest.name +
         ", has " + rounded(100.0 * largest.weight, 3) +
         " % of the tokens: " + words_of(trained, largest, kWordsOfALead) + ".";
}

std::string topics_section(const TrainedModel& trained, const std::vector<TopicSummary>& topics) {
  std::vector<Share> shares;
  for (std::size_t k = 0; k < std::min(topics.size(), kMostEstimates); ++k) {
    shares.push_back({topics[k].name + ": " + words_of(trained, topics[k], 3), topics[k].weight});
  }
  const bool all = shares.size() == topics.size();
  return section(
      "What the posterior says",
      figure(all ? "How much of the corpus each topic has"
                 : "The " + std::to_string(shares.size()) + " largest of " +
                       counted(topics.size(), "topic"),
             "Expected shares of all tokens, beside each topic's most probable words.",
             draw_shares(shares, "share of the tokens")) +
          html::table(topic_table(trained),
                      "The share of all tokens that a topic is expected to have, and its most "
                      "probable words, each with its expected probability within the topic. "
                      "bayesum inspect tells the uncertainty of the probabilities.",
                      Table::kLeft));
}

std::string course(double first, double last, int digits) {
  return "from " + rounded(first, digits) + " to " + rounded(last, digits);
}

std::string training_section(const Findings& of) {
  const StepReport& fit = of.trained.fit;
  const bool settled = fit.residual <= kSettled;
  std::string content = verdict_paragraph(
      "The training ended at step " + std::to_string(fit.step) + " with an ELBO of " +
          rounded(fit.elbo, 10) + " and a residual of " + rounded(fit.residual, 3) +
          (settled ? ": the posterior is at rest."
                   : ", which is not small: the posterior was still moving."),
      settled);
  std::vector<StepReport> steps;
  for (const StepReport& step : of.steps) {
    if (std::isfinite(step.elbo) && std::isfinite(step.residual)) steps.push_back(step);
  }
  if (steps.empty()) {
    return section("How it was trained",
                   content + paragraph("There is no metrics.jsonl beside the posterior to draw the "
                                       "course of the training from.",
                                       "note"));
  }
  const StepReport &first = steps.front(), &last = steps.back();
  const bool delta = of.trained.model.expectation == "delta";
  content += element("div",
                     figure("ELBO: " + course(first.elbo, last.elbo, 7),
                            delta ? "With the delta method it is the log joint density at the mean."
                                  : "Evidence lower bound, at the start of each step.",
                            draw_elbo(steps)) +
                         figure("Residual: " + course(first.residual, last.residual, 2),
                                "Relative distance from the fixed point, on a logarithmic axis.",
                                draw_residual(steps)),
                     {{"class", "pair"}});
  return section("How it was trained", content);
}

std::string calibration_figure(const Evaluation& scores) {
  if (std::isnan(scores.brier)) {
    return figure("Calibration: does each tenth hold a tenth?",
                  "Where the observed responses fall in their predictive distributions; flat when "
                  "calibrated.",
                  draw_calibration(scores));
  }
  return figure("Calibration: do predicted probabilities come true?",
                "On the diagonal when calibrated. Larger points stand for more rows.",
                draw_calibration(scores));
}

std::string check_figure(const Findings& of) {
  const std::string& response = of.trained.columns.response;
  const auto held = static_cast<std::size_t>(of.scores->rows);
  const std::string rows =
      of.check->rows == held ? "The " + counted(held, "row") + " of " + of.held_out + "."
                             : std::to_string(of.check->rows) + " of the " + counted(held, "row") +
                                   " of " + of.held_out + ", evenly chosen.";
  if (of.check->bins.empty()) {
    return figure("How far the predictions separate the two outcomes", rows,
                  draw_check(*of.check, response));
  }
  return figure("What was observed, beside what the model expects", rows,
                draw_check(*of.check, response));
}

// Whether predictive intervals hold as many responses as they promise; binary responses have none.
struct Coverage {
  bool holds = true;
  std::string sentence;
};

Coverage coverage(const Evaluation& scores) {
  if (!std::isnan(scores.brier)) return {};
  // How far an observed coverage is from the promised one, beyond what is scatter or hardly
  // matters.
  const auto beyond = [&](double observed, double promised) {
    const double scatter = 3.0 * std::sqrt(promised * (1.0 - promised) / scores.rows);
    const double missed = observed - promised;
    return std::copysign(std::max(0.0, std::abs(missed) - 0.05 - scatter), missed);
  };
  const double missed50 = beyond(scores.coverage50, 0.5), missed90 = beyond(scores.coverage90, 0.9);
  const bool narrow = missed50 < 0 || missed90<0, wide = missed50> 0 || missed90 > 0;
  return {.holds = !narrow && !wide,
          .sentence = " Its 50 % and 90 % predictive intervals hold " +
                      rounded(100.0 * scores.coverage50, 3) + " % and " +
                      rounded(100.0 * scores.coverage90, 3) + " % of the responses" +
                      (narrow ? ": it is surer of its predictions than it may be."
                       : wide ? ": they are wider than they need to be."
                              : ".")};
}

std::string held_out_section(const Findings& of) {
  const Evaluation& scores = *of.scores;
  const double gain = scores.log_density - scores.baseline_log_density;
  const Coverage intervals = coverage(scores);
  const std::string content =
      verdict_paragraph("On " + counted(static_cast<std::size_t>(scores.rows), "row") + " of " +
                            of.held_out + " the model's mean log predictive density is " +
                            rounded(std::abs(gain), 3) + (gain > 0 ? " above" : " below") +
                            " that of a baseline that knows no features." + intervals.sentence,
                        gain > 0 && intervals.holds) +
      html::table(score_table(of.trained, scores), "Scores of rows that were not trained on.") +
      element("div", calibration_figure(scores) + (of.check ? check_figure(of) : ""),
              {{"class", "pair"}});
  return section("How well it predicts", content);
}

std::string latent_section(const Findings& of) {
  const LatentScores& found = *of.latent;
  const Score& first = found.scores.front();
  const double gain = first.model - first.baseline;
  const bool topics = of.trained.model.name == "lda";
  return section(
      "How well it predicts",
      verdict_paragraph(
          "On " + counted(static_cast<std::size_t>(found.rows), "row") + " of " + of.held_out +
              " the model's " + first.name + " is " + rounded(std::abs(gain), 3) +
              (gain > 0 ? " above" : " below") + " that of " +
              (topics ? "the words' frequencies in the training data." : "a single Gaussian."),
          gain > 0) +
          html::table(score_table(of.trained, found), "Scores of rows that were not trained on."));
}

std::string trust_section(const Findings& of) {
  if (of.cannot_judge) {
    return section("How far the approximation can be trusted",
                   verdict_paragraph("That cannot be told of the model " + of.trained.model.name +
                                         ": importance sampling needs the likelihood of a row "
                                         "with its latent variables integrated out, which has no "
                                         "closed form. Scores of held-out rows (--data), and other "
                                         "seeds, tell more.",
                                     false));
  }
  return section(
      "How far the approximation can be trusted",
      verdict_paragraph(verdict(*of.psis) + ".", of.psis->reliable()) +
          html::table(psis_table(*of.psis),
                      "Importance sampling from the posterior to the joint density of model and "
                      "data (PSIS; Vehtari et al., JMLR 25, 2024), on " +
                          of.training + "."));
}

// Lead and section of what the posterior says.
std::string posterior_part(const Findings& of) {
  if (of.trained.model.name == "lda") {
    const auto topics = summarize_topics(of.trained, kWordsOfALead);
    return paragraph(lead(of.trained, topics), "lead") + topics_section(of.trained, topics);
  }
  const Comparable found = comparable(of.trained);
  return paragraph(lead(found), "lead") + parameters_section(of, found);
}

std::string footer(const Findings& of) {
  const std::string blocks = blocks_text(of.trained.posterior);
  return element("footer",
                 escaped("Posterior: " + blocks + "; seed " + std::to_string(of.trained.seed) +
                         "; trained by " + of.program + ".")) +
         "\n";
}

}  // namespace

std::string page(const Findings& of) {
  const std::string title = headline(of.trained);
  std::string body = element("h1", escaped(title)) + "\n" +
                     paragraph(of.title + ", " + of.date, "byline") + posterior_part(of) +
                     training_section(of);
  if (of.scores) body += held_out_section(of);
  if (of.latent) body += latent_section(of);
  if (of.psis || of.cannot_judge) body += trust_section(of);
  return html::document(title, kPageStyle, body + footer(of));
}

}  // namespace bayesum
