#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/psis.hpp"
#include "core/trainer.hpp"
#include "launch/predictive_check.hpp"
#include "models/evaluation.hpp"
#include "models/latent/latent_report.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// What a report is made of; what is absent has no section.
struct Findings {
  std::string title;    // of the page: where the posterior was found
  std::string program;  // that wrote the posterior
  std::string date;
  TrainedModel trained;
  std::vector<StepReport> steps;  // of its training
  std::string held_out;           // the name of the table
  std::optional<Evaluation> scores;
  std::optional<PredictiveCheck> check;
  std::optional<LatentScores> latent;  // of a model of rows without a response
  std::string training;
  std::optional<Psis> psis;
  bool cannot_judge =
      false;  // the training rows were given, and the model has no likelihood of them
};

// One page of HTML that needs nothing else: style and pictures are in it, no script, no font, no
// network. It follows the reader's choice of light or dark. Errors of launch/gnuplot.hpp.
std::string page(const Findings& findings);

}  // namespace bayesum
