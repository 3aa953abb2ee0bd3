#include "launch/network/report_network.hpp"

#include <cmath>
#include <iostream>

#include "core/agree.hpp"
#include "core/files/atomic_file.hpp"
#include "kernels/error.hpp"
#include "launch/html.hpp"
#include "launch/network/network_assessment.hpp"
#include "launch/network/network_pictures.hpp"
#include "launch/page_parts.hpp"
#include "launch/page_style.hpp"
#include "launch/report.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

// As wide as one of two pictures side by side.
std::string pair(const std::string& figure) {
  return html::element("div", figure, {{"class", "pair"}}) + "\n";
}

std::string training_section(const NetworkCourse& course) {
  if (course.steps.empty()) {
    return html::section("How it was trained",
                         html::paragraph("There is no metrics.jsonl beside the posterior to draw "
                                         "the course of the training from.",
                                         "note"));
  }
  const NetworkReport &first = course.steps.front(), &last = course.steps.back();
  std::string note = "Mean negative log-likelihood of a target, in nats, at the draws of each step";
  if (!course.validations.empty()) {
    note += "; of the held-out data at the mean of the posterior, " +
            rounded(course.validations.back().loss, 4) + " at last";
  }
  const std::string title = "Loss: from " + rounded(first.loss, 4) + " to " + rounded(last.loss, 4);
  return html::section("How it was trained",
                       pair(html::figure(title, note + ".", draw_loss(course))));
}

// Whether averaging changed the score, in a sentence.
std::string verdict(const NetworkEvaluation& scores) {
  const bool better = scores.nll.high<0, worse = scores.nll.low> 0;
  return "Averaged over " + counted(scores.draws, "draw") +
         " of the weights, the negative log-likelihood of the held-out data is " +
         rounded(scores.averaged.nll, 4) + ", against " + rounded(scores.mean.nll, 4) +
         " at the mean of the posterior: " +
         (better  ? "the average predicts better."
          : worse ? "the average predicts worse."
                  : "no difference that these data could tell.");
}

std::string told_from_them(const NetworkFindings& found) {
  return found.separation ? " AUROC: how well " + found.separation->path + " is told from them."
                          : std::string();
}

std::string held_out_section(const NetworkFindings& found) {
  const NetworkEvaluation& scores = found.scores;
  std::string content = html::verdict_paragraph(verdict(scores), !(scores.nll.low > 0));
  if (scores.classes) {
    content += pair(html::figure("What was promised and what came out",
                                 "Targets by the largest predicted probability, in " +
                                     std::to_string(kReliabilityBins) +
                                     " bins of equal width; points grow with the share of targets.",
                                 draw_reliability(scores)));
  }
  content += html::table(score_table(found),
                         "Scores of " + found.data + "." + told_from_them(found) +
                             " Intervals are of a paired bootstrap; entropies in nats. The "
                             "entropy within draws is what more data would not take away.");
  if (scores.classes) {
    content += html::table(reliability_table(found),
                           "Share of the targets, mean of the largest probability, and share of "
                           "right predictions.");
  }
  return html::section("How well it predicts", content);
}

std::string page(const NetworkFindings& found, const NetworkCourse& course, const fs::path& path) {
  const std::string title = headline(found);
  std::string body = html::element("h1", html::escaped(title)) + "\n" +
                     html::paragraph(path.string() + ", " + html::today(), "byline") +
                     training_section(course);
  if (!found.data.empty()) body += held_out_section(found);
  body += html::element("footer",
                        html::escaped("Seed " + std::to_string(found.description.seed) + ".")) +
          "\n";
  return html::document(title, kPageStyle, body);
}

}  // namespace

ExitCode report_network(const ReportOptions& options, Job& job) {
  Communicator& ranks = job.ranks();
  agree(ranks, Stream(), [&] {
    if (options.training.path.empty()) return;
    throw Error(ExitCode::kUsage,
                "--training judges posteriors by importance sampling, which has no use for the "
                "weights of a network");
  });
  NetworkQuestion question;
  question.trained = {options.trained};
  question.data = options.data;
  question.other = options.other;
  question.draws = options.samples;
  question.must_score = !options.other.empty();
  const NetworkFindings found = assess_network(Stream(), ranks, question);
  agree(ranks, Stream(), [&] {
    if (ranks.rank() != 0) return;
    const fs::path posterior = posterior_path(options.trained);
    const fs::path folder = posterior.parent_path();
    const fs::path out = options.out.empty() ? folder / "report.html" : options.out;
    write_atomically(out, page(found, read_network_metrics(folder / "metrics.jsonl"), posterior));
    std::cout << "wrote " << out.string() << std::endl;
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
