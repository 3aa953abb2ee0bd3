#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "launch/other_data.hpp"
#include "models/trained_model.hpp"

namespace bayesum {

// How held-out responses are spread, beside how the model expects them to be: for each bin of
// values the share of the rows whose response lies in it, and the mean over the same rows of the
// predictive probability of it. (A posterior predictive check; Gelman et al., Bayesian Data
// Analysis, 3rd ed., section 6.3.) Shares are of the rows' weights.
struct PredictiveCheck {
  struct Bin {
    double low = 0;  // of whole numbers, the least and the greatest in it
    double high = 0;
    double observed = 0;
    double predicted = 0;
  };
  // Of binary responses instead: the spread of the predicted probability over [low, high), among
  // the rows whose response is 0 and among those whose response is 1.
  struct Outcomes {
    double low = 0;
    double high = 0;
    double zeros = 0;
    double ones = 0;
  };
  std::vector<Bin> bins;
  std::vector<Outcomes> outcomes;
  bool whole_numbers = false;  // whose last bin has no end
  std::size_t rows = 0;        // evenly chosen among those of the table
};

// `rows` is the number of rows of the table, of which every n-th is looked at, about a thousand.
// None for a response that is neither a number nor binary, and for rows too wide to be dense.
std::optional<PredictiveCheck> check_predictions(const TrainedModel& trained, const OtherData& data,
                                                 std::size_t rows);

}  // namespace bayesum
