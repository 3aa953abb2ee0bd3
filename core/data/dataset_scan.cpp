#include <algorithm>
#include <cmath>
#include <utility>

#include "core/agree.hpp"
#include "core/data/dataset.hpp"
#include "core/files/hash.hpp"
#include "core/staging.hpp"
#include "distributed/sum_tree.hpp"
#include "kernels/error.hpp"

// The first pass over the rows: Dataset::scan.
namespace bayesum {
namespace {

// What a shard gives to a scan; from kFeatures on sum w (x - s), sum w (x - s)^2 and, where missing
// values are filled, the sum of the w of rows without x, of each element of the summary's means; at
// the end the sum of w of each class of the response.
enum Sum : std::size_t {
  kRows,
  kDropped,
  kWeight,
  kResponse,         // w y
  kShiftedResponse,  // w (y - s)
  kSquaredResponse,  // w (y - s)^2
  kExposure,         // w exp(offset)
  kFeatures
};

struct Moments {
  double mean = 0;
  double sd = 0;
};

// From W, S1 and S2 about s. A variance within the rounding of S2 / W is none.
Moments moments(double weight, double shift, double first, double second) {
  constexpr double kRounding = 1e-12;
  const double away = first / weight;
  const double variance = second / weight - away * away;
  return {shift + away, variance > kRounding * second / weight ? std::sqrt(variance) : 0.0};
}

std::vector<std::string> names_of(const std::vector<Input>& inputs, bool one_hot) {
  return Design::of(inputs, one_hot, false).features;
}

}  // namespace

DataSummary Dataset::scan(const Stream& stream, Communicator& communicator) {
  survey(stream, communicator);
  const Range mine = shards_of_rank(virtual_shards_, communicator.size(), communicator.rank());
  const Stream wire = wire_stream(stream, communicator);
  const std::size_t size = summary_size(inputs_, one_hot());
  std::vector<double> shift;
  std::vector<double> sums(kFeatures + (fills_missing() ? 3 : 2) * size + classes_.size());
  std::vector<std::uint64_t> hashes;  // of the shards of this rank, then of all
  SumTree tree(virtual_shards_, sums.size(), wire.device());
  agree(communicator, stream, [&] {
    shift = first_row();
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      std::fill(sums.begin(), sums.end(), 0.0);
      hashes.push_back(
          file_->read(part_of(shard), parts_.selection, block_rows_, [&](const TableRows& rows) {
            const Kept rows_kept = kept(rows);
            check(rows, rows_kept);
            add(rows, rows_kept, shift, sums);
            communicator.activity().move();
          }));
      tree.add(wire, shard, sums);
    }
  });
  tree.finish(wire, communicator, sums);
  on_wire(stream, communicator, std::span(sums),
          [&](const Stream& queue, auto payload) { communicator.broadcast(queue, payload, 0); });
  hashes = gather<std::uint64_t>(
      stream, communicator, hashes,
      even_counts(virtual_shards_, static_cast<std::size_t>(communicator.size())));
  for (std::size_t shard = 0; shard < virtual_shards_; ++shard) shards_[shard].hash = hashes[shard];
  DataSummary result = summarize(shift, sums);
  result.fingerprint = hash_of(std::as_bytes(std::span(hashes)));
  result.shards = std::move(hashes);
  return result;
}

// The first row that is not left out, in the order of the selection; zeros for none, for what it
// lacks, and for sparse columns.
std::vector<double> Dataset::first_row() const {
  const Range body = file_->extent();
  std::vector<double> first;
  for (std::size_t size = 1; first.empty() && size / 2 < body.size(); size *= 2) {
    const Range part{body.first, body.first + std::min(size, body.size())};
    file_->read(part, parts_.selection, block_rows_, [&](const TableRows& rows) {
      for (std::size_t i = 0; first.empty() && i < rows.rows(); ++i) {
        const double* const row = rows.values.data + i * rows.values.stride;
        if (!left_out(rows, i)) first.assign(row, row + rows.values.cols);
      }
    });
  }
  first.resize(parts_.selection.columns.size());
  std::replace_if(
      first.begin(), first.end(), [](double value) { return std::isnan(value); }, 0.0);
  return first;
}

// A block is summed by itself first, which keeps rounding small in long shards; one of sparse rows,
// of which most sums hear nothing, is not.
void Dataset::add(const TableRows& rows, const Kept& kept, std::span<const double> shift,
                  std::span<double> sums) const {
  std::vector<double> own(rows.sparse.empty() ? sums.size() : 0);
  const std::span<double> block = own.empty() ? sums : std::span(own);
  for (const std::size_t i : kept) {
    const double* const row = rows.values.data + i * rows.values.stride;
    const double w = parts_.weight ? row[*parts_.weight] : 1.0;
    block[kRows] += 1.0;
    block[kWeight] += w;
    if (!classes_.empty()) {
      block[block.size() - classes_.size() + static_cast<std::size_t>(row[*parts_.response])] += w;
    }
    if (parts_.response) {
      const double away = row[*parts_.response] - shift[*parts_.response];
      block[kResponse] += w * row[*parts_.response];
      block[kShiftedResponse] += w * away;
      block[kSquaredResponse] += w * (away * away);
      block[kExposure] += w * (parts_.offset ? std::exp(row[*parts_.offset]) : 1.0);
    }
    add_inputs(rows, i, w, shift, block);
  }
  std::size_t dropped = rows.rows() - kept.size();
  for (std::size_t i = 0; !left_out_groups_.empty() && i < rows.rows(); ++i) {
    if (left_out(rows, i)) --dropped;
  }
  block[kDropped] += static_cast<double>(dropped);
  for (std::size_t k = 0; k < own.size(); ++k) sums[k] += own[k];
}

void Dataset::add_inputs(const TableRows& rows, std::size_t row, double w,
                         std::span<const double> shift, std::span<double> sums) const {
  const std::size_t size = (sums.size() - kFeatures - classes_.size()) / (fills_missing() ? 3 : 2);
  double* const first = sums.data() + kFeatures;
  double* const second = first + size;
  double* const lacking = second + size;
  const auto add_one = [&](std::size_t place, double away) {
    first[place] += w * away;
    second[place] += w * (away * away);
  };
  if (!rows.sparse.empty()) {
    for (std::size_t k = rows.sparse.row_start[row]; k < rows.sparse.row_start[row + 1]; ++k) {
      const std::size_t place = rows.sparse.column[k];
      if (std::isnan(rows.sparse.value[k])) {
        lacking[place] += w;
      } else {
        add_one(place, rows.sparse.value[k]);
      }
    }
    return;
  }
  const double* const values = rows.values.data + row * rows.values.stride + parts_.first_feature;
  const double* const shifts = shift.data() + parts_.first_feature;
  if (parts_.plain && !fills_missing()) {
    for (std::size_t j = 0; j < size; ++j) add_one(j, values[j] - shifts[j]);
    return;
  }
  std::size_t place = 0;
  for (std::size_t k = 0; k < inputs_.size(); ++k) {
    const std::size_t levels = one_hot() ? inputs_[k].levels.size() : 0;
    const std::size_t width = std::max<std::size_t>(levels, 1);
    if (std::isnan(values[k])) {
      for (std::size_t j = 0; j < width; ++j) lacking[place + j] += w;
    } else if (levels == 0) {
      add_one(place, values[k] - shifts[k]);
    } else {
      add_one(place + static_cast<std::size_t>(values[k]), 1.0);
    }
    place += width;
  }
}

DataSummary Dataset::summarize(std::span<const double> shift, std::span<const double> sums) const {
  if (sums[kRows] == 0) {
    throw Error(ExitCode::kFile,
                config_.path +
                    (sums[kDropped] > 0 ? " has no row without a missing value" : " has no rows") +
                    (left_out_groups_.empty() ? "" : " outside data.without_group"));
  }
  const double weight = sums[kWeight];
  if (!(weight > 0 && std::isfinite(weight))) {
    throw Error(ExitCode::kFile,
                "the weights of " + config_.path + " add up to " + (weight > 0 ? "infinity" : "0"));
  }
  DataSummary result;
  result.rows = static_cast<std::uint64_t>(sums[kRows]);
  result.dropped = static_cast<std::uint64_t>(sums[kDropped]);
  const auto of_classes = sums.last(classes_.size());
  result.class_weight.assign(of_classes.begin(), of_classes.end());
  result.weight = weight;
  const auto checked = [&](const std::string& name, double of, double about, double first,
                           double second) {
    if (!(of > 0)) throw Error(ExitCode::kFile, config_.path + ": '" + name + "' has no value");
    const Moments found = moments(of, about, first, second);
    if (!std::isfinite(found.mean) || !std::isfinite(second)) {
      throw Error(ExitCode::kFile, config_.path + ": the numbers in column '" + name +
                                       "' are too large: their squares overflow");
    }
    return found;
  };
  const std::vector<std::string> names = names_of(inputs_, one_hot());
  const std::size_t size = names.size();
  std::vector<double> about(size);
  if (parts_.plain) std::copy(shift.begin() + parts_.first_feature, shift.end(), about.begin());
  for (std::size_t j = 0, k = 0; !parts_.plain && j < inputs_.size(); ++j) {
    if (inputs_[j].levels.empty() || !one_hot()) about[k] = shift[parts_.first_feature + j];
    k += summary_size({inputs_[j]}, one_hot());
  }
  for (std::size_t j = 0; j < size; ++j) {
    const double lacking = fills_missing() ? sums[kFeatures + 2 * size + j] : 0.0;
    const Moments found = checked(names[j], weight - lacking, about[j], sums[kFeatures + j],
                                  sums[kFeatures + size + j]);
    result.mean.push_back(found.mean);
    result.sd.push_back(found.sd > 0 ? found.sd : 1.0);
  }
  if (parts_.response) {
    const Moments found = checked(config_.response, weight, shift[*parts_.response],
                                  sums[kShiftedResponse], sums[kSquaredResponse]);
    result.response_mean = found.mean;
    result.response_sd = found.sd;
    result.response_rate = sums[kResponse] / sums[kExposure];
  }
  return result;
}

}  // namespace bayesum
