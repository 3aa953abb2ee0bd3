#include "models/prediction.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "kernels/error.hpp"
#include "models/linear_posterior.hpp"

namespace bayesum {
namespace {

Support response_of(const TrainedModel& trained) {
  const Support support = support_of(trained.model.name);
  if (!has_response(support)) {
    throw Error(ExitCode::kUsage, "a " + trained.model.name +
                                      " model has no response to predict; its posterior is of the "
                                      "columns themselves");
  }
  return support;
}

std::optional<double> response(const Batch& batch, std::size_t row) {
  return batch.y.empty() ? std::nullopt : std::optional(batch.y[row]);
}

double value_or(std::span<const double> values, std::size_t row, double otherwise) {
  return values.empty() ? otherwise : values[row];
}

Prediction predict_row(const ModelConfig& model, const LinearPosterior& q, double location,
                       double squared_scale, std::optional<double> y) {
  if (model.name == "student-t") {
    return scale_mixture_prediction({.location = location,
                                     .squared_scale = squared_scale,
                                     .noise = q.noise(),
                                     .degrees = q.degrees_of_freedom(),
                                     .degrees_of_freedom = model.degrees_of_freedom},
                                    y);
  }
  switch (support_of(model.name)) {
    case Support::kBinary:
      return bernoulli_prediction(location, squared_scale, y);
    case Support::kCount:
      return poisson_prediction(location, squared_scale, y);
    default:
      return student_t_prediction(location, std::sqrt(q.noise() + squared_scale),
                                  q.degrees_of_freedom(), y);
  }
}

}  // namespace

std::vector<Prediction> predict(const TrainedModel& trained, const Batch& batch) {
  response_of(trained);
  const std::size_t columns = trained.design.columns();
  if (batch.x.cols != columns) {
    throw Error(ExitCode::kUsage, "rows of " + std::to_string(batch.x.cols) +
                                      " columns do not fit a posterior over " +
                                      std::to_string(columns) + " coefficients");
  }
  const auto q = LinearPosterior::of(trained.posterior);
  const std::size_t rows = batch.rows();
  std::vector<double> location(rows), squared_scale(rows);
  q.functionals(batch.x, batch.offset, location, squared_scale);
  std::vector<Prediction> predictions;
  predictions.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    predictions.push_back(
        predict_row(trained.model, q, location[i], squared_scale[i], response(batch, i)));
  }
  return predictions;
}

std::vector<Prediction> predict_baseline(const TrainedModel& trained, const Batch& batch) {
  const Support support = response_of(trained);
  const DataSummary& summary = trained.summary;
  const double log_odds = std::log(summary.response_mean) - std::log1p(-summary.response_mean);
  const double log_rate = std::log(summary.response_rate);
  std::vector<Prediction> predictions;
  predictions.reserve(batch.rows());
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    const auto y = response(batch, i);
    if (support == Support::kBinary) {
      predictions.push_back(bernoulli_prediction(log_odds, 0.0, y));
    } else if (support == Support::kCount) {
      predictions.push_back(poisson_prediction(log_rate + value_or(batch.offset, i, 0.0), 0.0, y));
    } else {
      predictions.push_back(student_t_prediction(summary.response_mean, summary.response_sd,
                                                 std::numeric_limits<double>::infinity(), y));
    }
  }
  return predictions;
}

}  // namespace bayesum
