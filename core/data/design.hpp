#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bayesum {

// A column of the file that features are made of.
struct Input {
  std::string name;
  std::vector<std::string> levels;  // of a column of categories, sorted; empty: it holds numbers

  bool operator==(const Input&) const = default;
};

// Columns of the design and the fixed affine map of each, part of the prior: a coefficient's prior
// speaks of the column (value - mean) / sd. Computed once from the training data, stored with the
// posterior, reused by everything that reads other data, undone in what is reported.
//
// A column of numbers is one feature of its own name. A column of categories is one feature
// "name=level" for each level, 0 or 1, but the first where there is an intercept, which stands for
// it; with `one_hot` false it is one feature, the index of the level.
struct Design {
  std::vector<std::string> features;  // without the intercept
  bool intercept = true;              // a first column of ones
  std::vector<double> mean;           // of each feature; zeros when not standardized
  std::vector<double> sd;             // ones when not standardized, or for a constant feature
  std::vector<Input> inputs = {};     // columns of the file that the features are made of
  bool one_hot = true;
  std::vector<std::string> classes = {};  // of the response, sorted; empty: it is a number
  // What a missing value of each feature is taken for, before the map; empty: it is not.
  std::vector<double> missing = {};

  std::size_t columns() const { return features.size() + (intercept ? 1 : 0); }
  std::vector<std::string> column_names() const;  // "intercept" first

  // The features that these inputs make, with means of zero and sds of one. Error(kUsage) when two
  // would have one name.
  static Design of(std::vector<Input> inputs, bool one_hot, bool intercept);
  // Levels of an input before the first that is a feature: 1 of a one-hot input where there is an
  // intercept, else 0.
  std::size_t left_out(const Input& input) const;
  // For each feature, its element of the means and sds of a DataSummary, which leave no level out.
  std::vector<std::size_t> places_in_summary() const;
};

// Inputs of numbers.
std::vector<Input> inputs_of_numbers(const std::vector<std::string>& names);

// How many means and sds a DataSummary has: one for each input of numbers and each level of one
// of categories; with `one_hot` false, one for each input.
std::size_t summary_size(const std::vector<Input>& inputs, bool one_hot);

}  // namespace bayesum
