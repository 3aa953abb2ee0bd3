#include <algorithm>
#include <cmath>
#include <utility>

#include "core/agree.hpp"
#include "core/dataset.hpp"
#include "core/hash.hpp"
#include "core/staging.hpp"
#include "distributed/sum_tree.hpp"
#include "kernels/error.hpp"

// The first pass over the rows: Dataset::scan.
namespace bayesum {
namespace {

// What a shard gives to a scan; from kFeatures on sum w (x - s) and sum w (x - s)^2 of each
// feature.
enum Sum : std::size_t {
  kRows,
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

}  // namespace

DataSummary Dataset::scan(const Stream& stream, Communicator& communicator) const {
  const Range mine = shards_of_rank(virtual_shards_, communicator.size(), communicator.rank());
  const Stream wire = wire_stream(stream, communicator);
  std::vector<double> shift;
  std::vector<double> sums(kFeatures + 2 * features_.size());
  std::vector<std::uint64_t> hashes(virtual_shards_);
  SumTree tree(virtual_shards_, sums.size(), wire.device());
  agree(communicator, stream, [&] {
    shift = first_row();
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      std::fill(sums.begin(), sums.end(), 0.0);
      hashes[shard] =
          file_.read(bytes_of(shard), selection_, block_rows_, [&](auto rows, auto starts) {
            check(rows, starts);
            add(rows, shift, sums);
          });
      tree.add(wire, shard, sums);
    }
  });
  tree.finish(wire, communicator, sums);
  on_wire(stream, communicator, std::span(sums),
          [&](const Stream& queue, auto payload) { communicator.broadcast(queue, payload, 0); });
  const auto ranks = static_cast<std::size_t>(communicator.size());
  const std::vector<std::size_t> counts = even_counts(virtual_shards_, ranks);
  on_wire(stream, communicator, std::span(hashes), [&](const Stream& queue, auto payload) {
    communicator.all_gather(queue, payload.subspan(mine.first, mine.size()), counts, payload);
  });
  DataSummary result = summarize(shift, sums);
  result.fingerprint = hash_of(std::as_bytes(std::span(hashes)));
  result.shards = std::move(hashes);
  return result;
}

// The first row that there is, in the order of the selection; zeros for none.
std::vector<double> Dataset::first_row() const {
  const Range body = file_.body();
  std::vector<double> first;
  for (std::size_t size = 1; first.empty() && size / 2 < body.size(); size *= 2) {
    const Range bytes{body.first, body.first + std::min(size, body.size())};
    file_.read(bytes, selection_, block_rows_, [&](auto rows, auto) {
      if (first.empty()) first.assign(rows.data, rows.data + rows.cols);
    });
  }
  first.resize(selection_.size());
  return first;
}

// A block is summed by itself first, which keeps rounding small in long shards.
void Dataset::add(MatrixView<const double> rows, std::span<const double> shift,
                  std::span<double> sums) const {
  std::vector<double> block(sums.size());
  double* const first = block.data() + kFeatures;
  double* const second = first + features_.size();
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const double* const row = rows.data + i * rows.stride;
    const double w = weight_ ? row[*weight_] : 1.0;
    block[kRows] += 1.0;
    block[kWeight] += w;
    if (response_) {
      const double away = row[*response_] - shift[*response_];
      block[kResponse] += w * row[*response_];
      block[kShiftedResponse] += w * away;
      block[kSquaredResponse] += w * (away * away);
      block[kExposure] += w * (offset_ ? std::exp(row[*offset_]) : 1.0);
    }
    for (std::size_t j = 0; j < features_.size(); ++j) {
      const double away = row[first_feature_ + j] - shift[first_feature_ + j];
      first[j] += w * away;
      second[j] += w * (away * away);
    }
  }
  for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += block[k];
}

DataSummary Dataset::summarize(std::span<const double> shift, std::span<const double> sums) const {
  if (sums[kRows] == 0) throw Error(ExitCode::kFile, config_.path + " has no rows");
  const double weight = sums[kWeight];
  if (!(weight > 0 && std::isfinite(weight))) {
    throw Error(ExitCode::kFile,
                "the weights of " + config_.path + " add up to " + (weight > 0 ? "infinity" : "0"));
  }
  DataSummary result;
  result.rows = static_cast<std::uint64_t>(sums[kRows]);
  result.weight = weight;
  const auto checked = [&](std::size_t place, double first, double second) {
    const Moments found = moments(weight, shift[place], first, second);
    if (!std::isfinite(found.mean) || !std::isfinite(second)) {
      throw Error(ExitCode::kFile, config_.path + ": the numbers in column '" +
                                       file_.columns()[selection_[place]] +
                                       "' are too large: their squares overflow");
    }
    return found;
  };
  for (std::size_t j = 0; j < features_.size(); ++j) {
    const Moments found =
        checked(first_feature_ + j, sums[kFeatures + j], sums[kFeatures + features_.size() + j]);
    result.mean.push_back(found.mean);
    result.sd.push_back(found.sd > 0 ? found.sd : 1.0);
  }
  if (response_) {
    const Moments found = checked(*response_, sums[kShiftedResponse], sums[kSquaredResponse]);
    result.response_mean = found.mean;
    result.response_sd = found.sd;
    result.response_rate = sums[kResponse] / sums[kExposure];
  }
  return result;
}

}  // namespace bayesum
