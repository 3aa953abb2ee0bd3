#include <cmath>

#include "core/data/dataset.hpp"

// The configuration of data, and what its values may be.
namespace bayesum {

void DataConfig::describe(Fields& fields) {
  constexpr double kMostRows = 1 << 24;
  fields.add("data.path", path, {},
             "the table: CSV with a header line, libsvm or .npy, as it is or packed by gzip");
  fields.add(
      "data.format", format, {"auto", "csv", "libsvm", "npy", "whitespace"},
      "auto: by the end of data.path, .npy or .libsvm or .svm, else CSV; whitespace: numbers "
      "between blanks or tabs, without a header");
  fields.add("data.response", response, {},
             "the column to be explained; libsvm: the label; npy: a column or an .npy file");
  fields.add("data.features", features, "the columns that explain it; empty: all that are left");
  fields.add("data.categories", categories,
             "those of the features that hold texts: each level but the first has a column of its "
             "own, 0 or 1");
  fields.add("data.offset", offset, {},
             "a column added to the linear predictor with the fixed coefficient one; empty: none");
  fields.add("data.weight", weight, {},
             "a column that multiplies the log-likelihood of its row; empty: ones");
  fields.add("data.group", group, {},
             "a column whose texts are the groups that rows belong to; empty: none");
  fields.add("data.without_group", without_group, "levels of data.group whose rows are left out");
  fields.add("data.without_shards", without_shards,
             "numbers of virtual shards, from 0, whose rows are left out; the others stay as cut");
  fields.add(
      "data.missing", missing, {"refuse", "drop", "mean"},
      "values that are missing (an empty field, NA, NaN, null, ?): an error; or their row is "
      "dropped; or, of a feature, its mean in the training data stands for them");
  fields.add("data.feature_names", feature_names, {},
             "libsvm, npy and whitespace: a file with the names of the columns, one a line");
  fields.add("data.virtual_shards", virtual_shards, {1, kMostShards},
             "pieces that the rows are cut into, whatever the number of ranks");
  fields.add(
      "data.shards_per_step", shards_per_step, {0, kMostShards},
      "virtual shards that a step of training reads, drawn so that an epoch reads each once; "
      "must divide data.virtual_shards; 0: all");
  fields.add("data.block_rows", block_rows, {1, kMostRows}, "rows handed to the model at a time");
  fields.add("data.cache_mib", cache_mib, {-1, std::numeric_limits<double>::infinity()},
             "MiB of rows that each rank keeps in memory, the rest being read in every pass; -1: a "
             "quarter of the memory that there is, shared by the ranks of a host");
}

bool has_response(Support support) {
  return support == Support::kReal || support == Support::kBinary || support == Support::kCount ||
         support == Support::kCategory;
}

bool supports(Support support, double value) {
  switch (support) {
    case Support::kNone:
    case Support::kRealFeatures:
    case Support::kReal:
      return true;
    case Support::kBinaryFeatures:
    case Support::kBinary:
      return value == 0 || value == 1;
    case Support::kCountFeatures:
    case Support::kCategoryFeatures:
    case Support::kCount:
    case Support::kCategory:
      return value >= 0 && value == std::floor(value);
  }
  return false;
}

std::string to_string(Support support) {
  switch (support) {
    case Support::kNone:
      return "absent";
    case Support::kRealFeatures:
    case Support::kReal:
      return "a number";
    case Support::kBinaryFeatures:
    case Support::kBinary:
      return "0 or 1";
    case Support::kCountFeatures:
    case Support::kCount:
      return "a whole number >= 0";
    case Support::kCategoryFeatures:
    case Support::kCategory:
      return "a category";
  }
  return "unknown";
}

}  // namespace bayesum
