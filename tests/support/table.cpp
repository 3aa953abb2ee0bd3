#include "tests/support/table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <random>
#include <stdexcept>

namespace bayesum::testing {
namespace {

using Random = std::mt19937_64;

double uniform(Random& random) { return std::uniform_real_distribution<double>()(random); }
double normal(Random& random) { return std::normal_distribution<double>()(random); }

std::size_t index_of(const Table& table, const std::string& column) {
  const auto found = std::ranges::find(table.columns, column);
  if (found == table.columns.end()) throw std::logic_error("the table has no column " + column);
  return static_cast<std::size_t>(found - table.columns.begin());
}

double draw_response(const std::string& model, double z, Random& random) {
  if (model == "linear") return z + 0.7 * normal(random);
  if (model == "student-t") return z + 0.5 * std::student_t_distribution<double>(3)(random);
  if (model == "logistic") return uniform(random) < 1.0 / (1.0 + std::exp(-z)) ? 1.0 : 0.0;
  if (model == "poisson") return std::poisson_distribution<int>(std::exp(z))(random);
  throw std::logic_error("no model named " + model);
}

}  // namespace

bool Table::has(const std::string& column) const {
  return std::ranges::find(columns, column) != columns.end();
}

double Table::at(std::size_t row, const std::string& column) const {
  return values.at(row * columns.size() + index_of(*this, column));
}

double& Table::at(std::size_t row, const std::string& column) {
  return values.at(row * columns.size() + index_of(*this, column));
}

std::string Table::csv() const {
  std::string text;
  for (const std::string& column : columns) text.append(text.empty() ? "" : ",").append(column);
  std::array<char, 32> digits;
  for (std::size_t i = 0; i < values.size(); ++i) {
    text += i % columns.size() == 0 ? '\n' : ',';
    text.append(digits.data(),
                std::to_chars(digits.data(), digits.data() + digits.size(), values[i]).ptr);
  }
  return text + "\n";
}

Table make_table(const TableSpec& spec) {
  const bool binary_features = spec.model == "beta-bernoulli";
  Table table;
  for (std::size_t j = 1; j <= spec.features; ++j) {
    table.columns.push_back(std::string("x").append(std::to_string(j)));
  }
  if (!binary_features) table.columns.emplace_back("y");
  if (spec.offset) table.columns.emplace_back("offset");
  if (spec.weight) table.columns.emplace_back("weight");

  Random random(spec.seed);
  for (std::size_t i = 0; i < spec.rows; ++i) {
    double z = spec.intercept;
    for (std::size_t j = 0; j < spec.features; ++j) {
      const double deviate = normal(random);
      z += (j % 2 == 0 ? spec.effect : -spec.effect) * deviate;
      table.values.push_back(binary_features ? (deviate > 0.4 * static_cast<double>(j) ? 1.0 : 0.0)
                                             : spec.feature_scale * (2.0 + deviate));
    }
    const double offset = 0.5 * normal(random);
    const double weight = uniform(random) < 0.05 ? 0.0 : 2.0 * uniform(random);
    if (spec.offset) z += offset;
    if (!binary_features) table.values.push_back(draw_response(spec.model, z, random));
    if (spec.offset) table.values.push_back(offset);
    if (spec.weight) table.values.push_back(weight);
  }
  return table;
}

}  // namespace bayesum::testing
