#include "models/prediction.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "kernels/error.hpp"
#include "models/regression/class_prediction.hpp"
#include "models/regression/glm.hpp"
#include "models/regression/linear_posterior.hpp"

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
  const bool known = !batch.y.empty() && !std::isnan(batch.y[row]);
  return known ? std::optional(batch.y[row]) : std::nullopt;
}

double value_or(std::span<const double> values, std::size_t row, double otherwise) {
  return values.empty() ? otherwise : values[row];
}

std::size_t columns_of(const Batch& batch) {
  return batch.sparse.empty() ? batch.x.cols : batch.sparse.cols;
}

Prediction predict_glm(Likelihood likelihood, double dispersion, double location, double variance,
                       std::optional<double> y) {
  switch (likelihood) {
    case Likelihood::kLogistic:
      return bernoulli_prediction(location, variance, y);
    case Likelihood::kProbit:
      return probit_prediction(location, variance, y);
    case Likelihood::kNegativeBinomial:
      return negative_binomial_prediction(location, variance, dispersion, y);
    case Likelihood::kPoisson:
      break;
  }
  return poisson_prediction(location, variance, y);
}

Prediction predict_row(const ModelConfig& model, const LinearPosterior& q, double location,
                       double squared_scale, std::optional<double> y) {
  if (const auto likelihood = likelihood_of(model.name)) {
    return predict_glm(*likelihood, model.dispersion, location, squared_scale, y);
  }
  if (model.name == "student-t") {
    return scale_mixture_prediction({.location = location,
                                     .squared_scale = squared_scale,
                                     .noise = q.noise(),
                                     .degrees = q.degrees_of_freedom(),
                                     .degrees_of_freedom = model.degrees_of_freedom},
                                    y);
  }
  return student_t_prediction(location, std::sqrt(q.noise() + squared_scale),
                              q.degrees_of_freedom(), y);
}

std::vector<Prediction> predict_regression(const TrainedModel& trained, const Batch& batch) {
  const auto q = LinearPosterior::of(trained.posterior);
  const std::size_t rows = batch.rows();
  std::vector<double> location(rows), squared_scale(rows);
  if (batch.sparse.empty()) {
    q.functionals(batch.x, batch.offset, location, squared_scale);
  } else {
    q.functionals(batch.sparse, batch.offset, location, squared_scale);
  }
  std::vector<Prediction> predictions;
  predictions.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    predictions.push_back(
        predict_row(trained.model, q, location[i], squared_scale[i], response(batch, i)));
  }
  return predictions;
}

Prediction baseline_row(const TrainedModel& trained, Support support, double offset,
                        std::optional<double> y) {
  const DataSummary& summary = trained.summary;
  if (support == Support::kCategory) return class_prediction(class_frequencies(trained), y);
  if (support == Support::kBinary) {
    const double odds = std::log(summary.response_mean) - std::log1p(-summary.response_mean);
    return bernoulli_prediction(odds, 0.0, y);
  }
  if (support == Support::kCount) {
    return predict_glm(*likelihood_of(trained.model.name), trained.model.dispersion,
                       std::log(summary.response_rate) + offset, 0.0, y);
  }
  return student_t_prediction(summary.response_mean, summary.response_sd,
                              std::numeric_limits<double>::infinity(), y);
}

}  // namespace

std::vector<Prediction> predict(const TrainedModel& trained, const Batch& batch) {
  const Support support = response_of(trained);
  const std::size_t columns = trained.design.columns();
  if (columns_of(batch) != columns) {
    throw Error(ExitCode::kUsage, "rows of " + std::to_string(columns_of(batch)) +
                                      " columns do not fit a posterior over the coefficients of " +
                                      std::to_string(columns));
  }
  return support == Support::kCategory ? predict_classes(trained, batch)
                                       : predict_regression(trained, batch);
}

std::vector<Prediction> predict_baseline(const TrainedModel& trained, const Batch& batch) {
  const Support support = response_of(trained);
  std::vector<Prediction> predictions;
  predictions.reserve(batch.rows());
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    predictions.push_back(
        baseline_row(trained, support, value_or(batch.offset, i, 0.0), response(batch, i)));
  }
  return predictions;
}

}  // namespace bayesum
