#include "tests/support/table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <random>
#include <stdexcept>

#include "models/make_model.hpp"

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
  if (model == "probit") return z + normal(random) > 0 ? 1.0 : 0.0;
  if (model == "negative-binomial") {
    const double rate = std::exp(z) * std::exponential_distribution<double>()(random);
    return std::poisson_distribution<int>(std::max(rate, 1e-12))(random);
  }
  if (model == "softmax") {
    const double first = std::exp(z), second = std::exp(0.4 - 0.7 * z);
    const double u = uniform(random) * (1.0 + first + second);
    return u < 1.0 ? 0.0 : u < 1.0 + first ? 1.0 : 2.0;
  }
  if (model == "poisson") return std::poisson_distribution<int>(std::exp(z))(random);
  throw std::logic_error("no model named " + model);
}

// What a model without a response explains: feature j, given a standard normal deviate of its own
// and that of the feature before it.
double draw_feature(const TableSpec& spec, std::size_t j, double deviate, double before,
                    double offset, Random& random) {
  const auto number = static_cast<double>(j);
  if (spec.model == "beta-bernoulli") return deviate > 0.4 * number ? 1.0 : 0.0;
  if (spec.model == "dirichlet-categorical") {
    // The first half of the rows' levels is the likelier one.
    const auto levels = static_cast<double>(level_count(j));
    return std::floor(levels * std::pow(uniform(random), 1.0 + 0.3 * number));
  }
  if (spec.model == "gamma-poisson") {
    return std::poisson_distribution<int>(std::exp(spec.intercept + 0.4 * number + offset))(random);
  }
  return spec.feature_scale * (2.0 - number + (1.0 + number) * (deviate + spec.effect * before));
}

// A row of one of three clusters: column j is apart for cluster j mod 3.
void add_clustered(const TableSpec& spec, Random& random, std::vector<double>& values) {
  const std::size_t cluster = random() % 3;
  for (std::size_t j = 0; j < spec.features; ++j) {
    const double centre = j % 3 == cluster ? 4.0 * spec.effect : -4.0 * spec.effect;
    values.push_back(spec.feature_scale * (2.0 + centre + normal(random)));
  }
}

// A document of about 60 tokens: word j is of topic j mod 3, which has nine tenths of it, and a
// document is of one topic for the most part.
void add_document(const TableSpec& spec, Random& random, std::vector<double>& values) {
  const std::size_t favourite = random() % 3, length = 40 + random() % 40;
  std::vector<double> counts(spec.features);
  for (std::size_t token = 0; token < length; ++token) {
    const std::size_t topic = uniform(random) < 0.8 ? favourite : random() % 3;
    std::size_t word = random() % spec.features;
    if (uniform(random) < 0.9) word = std::min(spec.features - 1, word / 3 * 3 + topic);
    ++counts[word];
  }
  values.insert(values.end(), counts.begin(), counts.end());
}

}  // namespace

bool has_response(const std::string& model) { return bayesum::has_response(support_of(model)); }

std::size_t level_count(std::size_t feature) { return 2 + feature % 4; }

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
  const bool response = has_response(spec.model);
  Table table;
  for (std::size_t j = 1; j <= spec.features; ++j) {
    table.columns.push_back(std::string("x").append(std::to_string(j)));
  }
  if (response) table.columns.emplace_back("y");
  if (spec.offset) table.columns.emplace_back("offset");
  if (spec.weight) table.columns.emplace_back("weight");

  Random random(spec.seed);
  for (std::size_t i = 0; i < spec.rows; ++i) {
    const double early_offset = response ? 0.0 : 0.5 * normal(random);
    double z = spec.intercept, before = 0.0;
    const bool whole_row = spec.model == "gaussian-mixture" || spec.model == "lda";
    if (spec.model == "gaussian-mixture") add_clustered(spec, random, table.values);
    if (spec.model == "lda") add_document(spec, random, table.values);
    for (std::size_t j = 0; j < (whole_row ? 0 : spec.features); ++j) {
      const double deviate = normal(random);
      z += (j % 2 == 0 ? spec.effect : -spec.effect) * deviate;
      table.values.push_back(response ? spec.feature_scale * (2.0 + deviate)
                                      : draw_feature(spec, j, deviate, before,
                                                     spec.offset ? early_offset : 0.0, random));
      before = deviate;
    }
    const double offset = response ? 0.5 * normal(random) : early_offset;
    const double weight = uniform(random) < 0.05 ? 0.0 : 2.0 * uniform(random);
    if (spec.offset) z += offset;
    if (response) table.values.push_back(draw_response(spec.model, z, random));
    if (spec.offset) table.values.push_back(offset);
    if (spec.weight) table.values.push_back(weight);
  }
  return table;
}

}  // namespace bayesum::testing
