#include "tests/laws/regression.hpp"

namespace bayesum::oracle {
namespace {

Vector column(const testing::Table& table, const std::string& name, Real otherwise) {
  Vector values(table.rows(), otherwise);
  if (!table.has(name)) return values;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = table.at(i, name);
  return values;
}

Real weighted_mean(const Vector& weight, const Vector& values) {
  return dot(weight, values) / dot(weight, Vector(weight.size(), 1));
}

void standardize(bool shift, const Vector& weight, Vector& values) {
  const Real mean = weighted_mean(weight, values);
  Vector squares;
  for (const Real value : values) squares.push_back((value - mean) * (value - mean));
  const Real sd = std::sqrt(weighted_mean(weight, squares));
  for (Real& value : values) value = (value - (shift ? mean : 0)) / sd;
}

double or_else(const Numbers& numbers, const std::string& name, double common) {
  const auto found = numbers.find(name);
  return found == numbers.end() ? common : found->second;
}

}  // namespace

Regression::Regression(const testing::Job& job, const testing::Table& table)
    : x(table.rows()),
      y(column(table, "y", 0)),
      offset(column(table, "offset", 0)),
      weight(column(table, "weight", 1)) {
  const auto add = [&](const Vector& values, Real mean, double sd) {
    for (std::size_t i = 0; i < values.size(); ++i) x[i].push_back(values[i]);
    prior_mean.push_back(std::isinf(sd) ? 0 : mean);
    prior_precision.push_back(std::isinf(sd) ? 0 : 1 / (Real(sd) * sd));
  };
  if (job.model.intercept) {
    const bool centre =
        (job.model.name == "linear" || job.model.name == "student-t") && job.prior.center_intercept;
    add(Vector(table.rows(), 1),
        or_else(job.prior.mean_of, "intercept", job.prior.intercept_mean) +
            (centre ? weighted_mean(weight, y) : 0),
        or_else(job.prior.sd_of, "intercept", job.prior.intercept_sd));
  }
  for (const std::string& name : table.columns) {
    if (!name.starts_with("x")) continue;
    Vector values = column(table, name, 0);
    if (job.model.standardize) standardize(job.model.intercept, weight, values);
    add(values, or_else(job.prior.mean_of, name, job.prior.mean),
        or_else(job.prior.sd_of, name, job.prior.sd));
  }
}

}  // namespace bayesum::oracle
