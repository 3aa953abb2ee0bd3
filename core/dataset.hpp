#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/csv.hpp"
#include "distributed/communicator.hpp"
#include "kernels/buffer.hpp"
#include "kernels/matrix.hpp"
#include "kernels/sparse.hpp"

namespace bayesum {

// Where the data are and which column plays which part.
struct DataConfig {
  std::string path;
  std::string response;
  Strings features;                 // empty: every column without another part
  std::string offset;               // added to the linear predictor, fixed coefficient one
  std::string weight;               // multiplies the row's log-likelihood
  std::int64_t virtual_shards = 8;  // fixed by the configuration, whatever the number of ranks
  std::int64_t block_rows = 4096;   // rows read and handed to the model at a time
  std::int64_t cache_mib = 1024;    // parsed rows kept in memory per rank; beyond, read every pass

  void describe(Fields& fields);
};

// The values a response may take; or, of a model without a response, the values of the features.
enum class Support {
  kNone,  // for prediction: no response is read, and features are free
  kRealFeatures,
  kBinaryFeatures,
  kCountFeatures,
  kCategoryFeatures,  // the index of a level, see Input
  kReal,
  kBinary,
  kCount,
  kCategory,  // the index of one of Design::classes
};
bool has_response(Support support);
std::string to_string(Support support);  // "0 or 1", "a whole number >= 0", ...

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

  std::size_t columns() const { return features.size() + (intercept ? 1 : 0); }
  std::vector<std::string> column_names() const;  // "intercept" first
};

// A block of rows, ready for a model: on the stream's device, valid during the visit.
struct Batch {
  MatrixView<const double> x;          // rows x design.columns(); no data when they are sparse
  std::span<const double> y;           // empty when there is no response
  std::span<const double> offset;      // empty: zeros
  std::span<const double> weight;      // empty: ones
  std::span<const double> group = {};  // index of the row's group; empty: there are no groups
  SparseView sparse = {};              // x in its sparse form, on the CPU alone; or empty

  std::size_t rows() const { return sparse.empty() ? x.rows : sparse.rows(); }
};

// What one pass over the training data establishes, the same bits for any number of ranks.
struct DataSummary {
  std::uint64_t rows = 0;
  double weight = 0;              // sum of weights
  std::vector<double> mean;       // of each feature, sum w x / sum w
  std::vector<double> sd;         // sqrt(sum w (x - mean)^2 / sum w); 1 for a constant feature
  double response_mean = 0;       // likewise; the response's are zeros without one
  double response_sd = 0;         // 0 for a constant response
  double response_rate = 0;       // sum w y / sum w exp(offset): the rate of a Poisson baseline
  std::uint64_t fingerprint = 0;  // XXH3 of the virtual shards' XXH3, each of the bytes of its rows

  // The sum of weights of each of the design's classes; empty where they are not known.
  std::vector<double> class_weight = {};
};

// The training or held-out table: rows of a CSV file cut into virtual shards by bytes, read through
// the design, one shard at a time.
class Dataset {
 public:
  // Resolves the columns. Error(kUsage) for a column that is missing or has two parts. With the
  // support kNone, for prediction, response and weight are not read and need not be there, yet they
  // are never features unless named as such.
  Dataset(const DataConfig& config, Support support);

  std::vector<std::string> features() const { return features_; }
  std::size_t virtual_shards() const { return virtual_shards_; }
  // A hash of what every rank must see alike before they read together: columns and size.
  std::uint64_t layout() const;

  // Collective: every rank reads its shards once. Checks every row: response in the support, weight
  // >= 0, all finite, else Error(kFile) naming path, line, value, and the rank that read it, on
  // every rank. No rows, or no weight in them, is Error(kFile) too.
  //
  // Each shard gives sums about the file's first row, s: of w, w (x - s), w (x - s)^2, ...; they
  // are added in a fixed tree (distributed/sum_tree.hpp), and
  //   mean = s + S1 / W,   sd^2 = S2 / W - (S1 / W)^2,   W = sum w, S1 = sum w (x - s), ...
  DataSummary scan(const Stream& stream, Communicator& communicator) const;

  // Must be called before visit(). Reads the design's features, by name, from now on; drops the
  // cache. Error(kUsage) for a column that is missing or has another part, or a map that is not
  // one.
  void set_design(Design design);
  const Design& design() const { return design_; }

  using Visitor = std::function<void(const Batch&)>;
  // The rows of one virtual shard, in blocks, in order: the same blocks whoever asks. A shard is
  // kept in the device's memory after its first visit as long as the cache has room for all of it.
  // Rows are checked as in scan(); Error(kFile) also when the file has changed since the last
  // visit.
  void visit(const Stream& stream, std::size_t shard, const Visitor& visit);

 private:
  struct Block {  // a batch and the memory behind it
    Buffer<double> values;
    Batch batch;
  };
  struct Shard {  // what is remembered of a visited one
    std::optional<std::uint64_t> hash;
    std::optional<std::vector<Block>> blocks;
    bool fits = true;  // in the cache, as far as is known
  };
  using Place = std::optional<std::size_t>;  // of a column in a row as it is read

  void select(const std::vector<std::string>& features);
  Range bytes_of(std::size_t shard) const;

  std::vector<double> first_row() const;
  void add(MatrixView<const double> rows, std::span<const double> shift,
           std::span<double> sums) const;
  DataSummary summarize(std::span<const double> shift, std::span<const double> sums) const;

  void read(const Stream& stream, std::size_t shard, const Visitor& visit);
  Block load(const Stream& stream, MatrixView<const double> rows) const;
  void fill(MatrixView<const double> rows, double* out) const;
  void check(MatrixView<const double> rows, std::span<const std::uint64_t> starts) const;
  [[noreturn]] void refuse(std::uint64_t start, const char* part, std::size_t place, double value,
                           const std::string& why) const;

  DataConfig config_;
  Support support_;
  CsvFile file_;
  std::vector<std::string> features_;
  std::vector<std::size_t> selection_;  // columns: response, offset, weight (if read), features
  Place response_, offset_, weight_;
  std::size_t first_feature_ = 0;  // the place of the first; the others follow
  std::size_t virtual_shards_ = 1;
  std::size_t block_rows_ = 1;
  Design design_;
  std::vector<Shard> shards_;
  std::size_t cached_bytes_ = 0;
};

}  // namespace bayesum
