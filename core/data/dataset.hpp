#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/data/design.hpp"
#include "core/data/table_file.hpp"
#include "distributed/communicator.hpp"
#include "kernels/buffer.hpp"
#include "kernels/matrix.hpp"
#include "kernels/sparse.hpp"

namespace bayesum {

inline constexpr double kMostShards = 1 << 20;

// Where the data are and which column plays which part.
struct DataConfig {
  std::string path;
  std::string format = "auto";       // csv, libsvm, npy, whitespace; auto: by the file's name
  std::string response;              // like offset, weight and group of an .npy table, a column or
                                     // another .npy file
  Strings features;                  // empty: every column without another part
  Strings categories;                // those of them that hold texts, not numbers
  std::string offset;                // added to the linear predictor, fixed coefficient one
  std::string weight;                // multiplies the row's log-likelihood
  std::string group;                 // its levels are the groups of rows, see Batch::group
  Strings without_group;             // levels of it whose rows are left out
  Strings without_shards;            // numbers of virtual shards whose rows are left out
  std::string missing = "refuse";    // what becomes of a row with a missing value; drop, mean
  std::string feature_names;         // file of names, by lines, where a table has none
  std::int64_t virtual_shards = 8;   // fixed by the configuration, whatever the number of ranks
  std::int64_t shards_per_step = 0;  // read at random by a step; 0: all
  std::int64_t block_rows = 4096;    // rows read and handed to the model at a time
  std::int64_t cache_mib = -1;  // rows kept in memory per rank, the rest is read in every pass;
                                // -1: a quarter of the memory there is

  // Of rows read for a trained posterior, not configured: the names of the columns of a libsvm or
  // .npy file that has no names of its own, see TableFile::name_columns.
  Strings column_names = {};

  // For prediction, not configured: every row is kept, a response that is missing, of a class that
  // training has not seen or else outside the support is NaN, and a missing feature that the design
  // takes for nothing is refused.
  bool keep_rows = false;

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
bool supports(Support support, double value);
std::string to_string(Support support);  // "0 or 1", "a whole number >= 0", ...

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

// What passes over the training data establish of the rows that are learned from, the same bits for
// any number of ranks.
struct DataSummary {
  std::uint64_t rows = 0;         // that are learned from: neither dropped nor left out
  std::uint64_t dropped = 0;      // for a missing value
  double weight = 0;              // sum of weights
  std::vector<double> mean;       // sum w x / sum w, over the rows that have x, of each input of
                                  // numbers and of the 0 and 1 of each level, none left out
  std::vector<double> sd;         // sqrt(sum w (x - mean)^2 / sum w); 1 for what is constant
  double response_mean = 0;       // likewise; the response's are zeros without one
  double response_sd = 0;         // 0 for a constant response
  double response_rate = 0;       // sum w y / sum w exp(offset): the rate of a Poisson baseline
  std::uint64_t fingerprint = 0;  // XXH3 of the virtual shards' XXH3, each of the bytes of its rows
  std::vector<std::uint64_t> shards = {};  // the XXH3 of each; of no bytes for one left out
  std::vector<double> class_weight = {};   // the sum of weights of each of the design's classes
};

// The training or held-out table: rows of a file cut into virtual shards, read through the design,
// one shard at a time.
//
// A missing value (an empty field, NA, NaN, null, ?) of a feature is refused, or its row is
// dropped, or it is taken for the feature's mean in the training data (of a category: each level
// for its share); one of response, offset, weight or group is refused or, under `drop` and `mean`,
// drops the row.
//
// The rows of data.without_group are as if they were not there, whatever numbers they hold, but
// that levels of categories are those of all rows, and the hashes of the shards of all bytes.
class Dataset {
 public:
  // Dense rows made from sparse ones or from categories have no more columns than this.
  static constexpr std::size_t kMostDenseColumns = 16384;

  // Resolves the columns. Error(kUsage) for a column that is missing or has two parts. With the
  // support kNone, for prediction, response, weight and group are not read and need not be there,
  // yet they are never features unless named as such.
  Dataset(const DataConfig& config, Support support);

  // Columns of the file that features are made of. What scan() finds out is known after it: levels,
  // and the columns of a libsvm file without names.
  std::vector<std::string> features() const;
  const std::vector<Input>& inputs() const { return inputs_; }
  const std::vector<std::string>& classes() const { return classes_; }  // of a kCategory response
  const std::vector<std::string>& groups() const { return groups_; }    // of data.group
  bool learns_from(std::size_t group) const {  // or is it one of data.without_group?
    return left_out_groups_.empty() || !left_out_groups_[group];
  }
  bool sparse() const { return file_->sparse(); }  // are the rows of the file sparse?
  bool one_hot() const { return support_ != Support::kCategoryFeatures; }
  bool fills_missing() const { return config_.missing == "mean"; }

  std::size_t virtual_shards() const { return virtual_shards_; }
  std::size_t shards_per_step() const;  // data.shards_per_step, or all of them
  // A hash of what every rank must see alike before they read together: columns and size.
  std::uint64_t layout() const;

  // Collective: every rank reads its shards once, and once more before where there are columns of
  // categories, groups, or a libsvm file without names. Checks every row: response in the support,
  // weight >= 0, all finite, else Error(kFile) naming path, line, value, and the rank that read it,
  // on every rank. No rows, or no weight in them, is Error(kFile) too; a name in data.without_group
  // that is no group Error(kUsage).
  //
  // Each shard gives sums about the file's first row, s (about 0 for sparse rows and levels): of w,
  // w (x - s), w (x - s)^2, ...; they are added in a fixed tree (distributed/sum_tree.hpp), and
  //   mean = s + S1 / W,   sd^2 = S2 / W - (S1 / W)^2,   W = sum w, S1 = sum w (x - s), ...
  DataSummary scan(const Stream& stream, Communicator& communicator);

  // Before scan(), where the design is known already: its levels and classes are taken as they are,
  // and others are Error(kFile) wherever they are met.
  void expect(const Design& design);

  // Must be called before visit(). Reads the design's inputs, by name, from now on; drops the
  // cache. With `keep_sparse` rows of a sparse file stay sparse on the CPU, the intercept being
  // their first element; the design must then have means of zero. Error(kUsage) for a column that
  // is missing or has another part, or a map that is not one.
  void set_design(Design design, bool keep_sparse = false);
  const Design& design() const { return design_; }

  using Visitor = std::function<void(const Batch&)>;
  // The rows of one virtual shard, in blocks, in order: the same blocks whoever asks. A shard is
  // kept in the device's memory after its first visit as long as the cache has room for all of it.
  // Rows are checked as in scan(); Error(kFile) also when the file has changed, by its size, its
  // time or the rows of the shard, since scan() or the last visit.
  void visit(const Stream& stream, std::size_t shard, const Visitor& visit);

 private:
  struct Block {  // a batch and the memory behind it
    Buffer<double> values;
    std::vector<std::size_t> row_start;  // of sparse rows
    std::vector<std::uint32_t> column;
    std::vector<double> value;
    Batch batch;

    std::size_t bytes() const;
  };
  struct Shard {  // what is remembered of one that was read
    std::optional<std::uint64_t> hash;
    std::optional<std::vector<Block>> blocks;
    bool fits = true;  // in the cache, as far as is known
  };
  using Place = std::optional<std::size_t>;  // of a column in a row as it is read
  using Kept = std::vector<std::size_t>;     // rows of a block, without those that are dropped
  struct Parts {                             // what is read, and where it is in a row
    Selection selection;  // response, offset, weight, group (those that are read), inputs
    Place response, offset, weight, group;
    std::size_t first_feature = 0;  // the place of the first input; the others follow
    bool plain = true;              // no categories among the inputs
  };

  void choose_inputs();
  Parts parts_of(const std::vector<Input>& inputs, const std::vector<std::string>& classes) const;
  FieldCode response_code(const std::vector<std::string>& classes) const;
  std::string name_of(std::size_t place) const;
  Range part_of(std::size_t shard) const;  // nothing of one that is left out

  Kept kept(const TableRows& rows) const;
  bool left_out(const TableRows& rows, std::size_t row) const;
  bool drops(const TableRows& rows, std::size_t row) const;
  Place missing_place(const TableRows& rows, std::size_t row) const;
  void check(const TableRows& rows, const Kept& kept) const;
  [[noreturn]] void refuse(std::uint64_t start, const char* part, std::size_t place, double value,
                           const std::string& why) const;

  void survey(const Stream& stream, Communicator& communicator);
  void survey_width(const Stream& stream, Communicator& communicator, Range mine);
  void survey_levels(const Stream& stream, Communicator& communicator, Range mine);
  void leave_out_groups();
  std::vector<double> first_row() const;
  void add(const TableRows& rows, const Kept& kept, std::span<const double> shift,
           std::span<double> sums) const;
  void add_inputs(const TableRows& rows, std::size_t row, double w, std::span<const double> shift,
                  std::span<double> sums) const;
  DataSummary summarize(std::span<const double> shift, std::span<const double> sums) const;

  std::size_t cache_bytes(const Stream& stream) const;
  void read(const Stream& stream, std::size_t shard, const Visitor& visit);
  Block load(const Stream& stream, const TableRows& rows, const Kept& kept) const;
  void fill(const TableRows& rows, const Kept& kept, double* x, double* others) const;
  void fill_inputs(const double* row, double* x) const;
  void fill_dense(const SparseView& sparse, std::size_t row, double* x) const;
  void fill_sparse(const SparseView& sparse, const Kept& kept, Block& block) const;
  double mapped(double value, std::size_t feature) const;

  DataConfig config_;
  Support support_;
  std::unique_ptr<TableFile> file_;
  std::vector<bool> left_out_;  // by virtual shard
  std::vector<Input> inputs_;
  std::vector<std::string> classes_;
  std::vector<std::string> groups_;
  std::vector<bool> left_out_groups_;  // empty: none
  Parts parts_;
  std::size_t virtual_shards_ = 1;
  std::size_t block_rows_ = 1;
  Design design_;
  bool has_design_ = false;
  bool keep_sparse_ = false;
  std::vector<Shard> shards_;
  std::size_t cached_bytes_ = 0;
  std::optional<std::size_t> cache_limit_;  // bytes
};

}  // namespace bayesum
