#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/psis.hpp"
#include "core/trainer.hpp"
#include "launch/predictive_check.hpp"
#include "models/evaluation.hpp"
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
  std::string training;
  std::optional<Psis> psis;
};

// One page of HTML that needs nothing else: style and pictures are in it, no script, no font, no
// network. It follows the reader's choice of light or dark. Errors of launch/gnuplot.hpp.
std::string page(const Findings& findings);

}  // namespace bayesum
