#pragma once

#include <string>
#include <vector>

#include "core/trainer.hpp"
#include "launch/predictive_check.hpp"
#include "models/evaluation.hpp"

namespace bayesum {

// The pictures of a report, each as SVG for a page of HTML (launch/picture.hpp).

struct Estimate {
  std::string name;
  double mean = 0;
  double low = 0;  // of its interval
  double high = 0;

  bool excludes_zero() const { return low > 0 || high < 0; }
};

// A forest plot, from top to bottom; not empty. `axis` says what the numbers are. With `zero` a
// line marks it, and what it leaves open is paler.
std::string draw_forest(const std::vector<Estimate>& estimates, const std::string& axis, bool zero);

// Bars of shares of a whole, from top to bottom; not empty.
struct Share {
  std::string name;
  double share = 0;
};
std::string draw_shares(const std::vector<Share>& shares, const std::string& axis);

// Over the steps of a training, at least one.
std::string draw_elbo(const std::vector<StepReport>& steps);
std::string draw_residual(const std::vector<StepReport>& steps);

// Observed against predicted probability, or the histogram of the probability integral transform.
std::string draw_calibration(const Evaluation& scores);

// `response` is the name of the column.
std::string draw_check(const PredictiveCheck& check, const std::string& response);

}  // namespace bayesum
