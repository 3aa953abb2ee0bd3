#include "core/data/row_sample.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/agree.hpp"
#include "core/staging.hpp"
#include "distributed/virtual_shards.hpp"
#include "kernels/random.hpp"

namespace bayesum {
namespace {

// Beyond every step of a training and the noise of importance sampling.
constexpr std::uint32_t kStep = std::numeric_limits<std::uint32_t>::max() - 1;

constexpr double kNoKey = std::numeric_limits<double>::infinity();

struct Candidate {
  double key = 0;
  double weight = 0;
  std::vector<double> x;
};

// The candidates with the smallest keys among those of a rank, of equal ones the first.
class Reservoir {
 public:
  explicit Reservoir(std::size_t count) : count_(count) {}

  void add(double key, double weight, const double* row, std::size_t columns) {
    if (!(key < bound_)) return;
    // No row has minus zero, which a sum with the zeros of other ranks would not keep.
    std::vector<double> x(row, row + columns);
    for (double& value : x) value += 0.0;
    kept_.push_back({key, weight, std::move(x)});
    if (kept_.size() >= 2 * count_) prune();
  }
  const std::vector<Candidate>& finish() {
    prune();
    return kept_;
  }

 private:
  void prune() {
    std::ranges::stable_sort(kept_, {}, &Candidate::key);
    if (kept_.size() < count_) return;
    kept_.resize(count_);
    bound_ = kept_.back().key;
  }

  std::size_t count_;
  double bound_ = kNoKey;
  std::vector<Candidate> kept_;
};

// Rows and weights of a shard that may be drawn.
struct Totals {
  double rows = 0;
  double weight = 0;
};

Totals read_shard(const Stream& stream, Dataset& data, std::size_t shard, std::uint64_t seed,
                  Reservoir& reservoir) {
  Totals totals;
  std::uint64_t first = 0;
  data.visit(stream, shard, [&](const Batch& batch) {
    const std::size_t n = batch.rows();
    std::vector<double> x(n * batch.x.cols), weight(n, 1.0), noise(n);
    copy(stream, std::span(batch.x.data, x.size()), std::span(x));
    if (!batch.weight.empty()) copy(stream, batch.weight, std::span(weight));
    fill_uniform(Stream(), {.seed = seed, .step = kStep, .draw = static_cast<std::uint32_t>(shard)},
                 first, std::span(noise));
    for (std::size_t i = 0; i < n; ++i) {
      if (!(weight[i] > 0)) continue;
      totals.rows += 1.0;
      totals.weight += weight[i];
      reservoir.add(-std::log(noise[i]) / weight[i], weight[i], x.data() + i * batch.x.cols,
                    batch.x.cols);
    }
    first += n;
  });
  return totals;
}

// Of each of the keys of this rank its place among the smallest of all ranks, or `count` for none.
std::vector<std::size_t> places_among_all(const Stream& stream, Communicator& communicator,
                                          const std::vector<Candidate>& mine, std::size_t count) {
  std::vector<double> padded(count, kNoKey);
  std::ranges::transform(mine, padded.begin(), &Candidate::key);
  const std::vector<double> keys = gather<double>(stream, communicator, padded);
  const std::size_t first = count * static_cast<std::size_t>(communicator.rank());
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return keys[i]; });
  std::vector<std::size_t> places(mine.size(), count);
  for (std::size_t place = 0; place < count; ++place) {
    const std::size_t i = order[place];
    if (i >= first && i < first + mine.size()) places[i - first] = place;
  }
  return places;
}

// Of all shards, in their order, from those that each rank has read.
Totals total_of(const Stream& stream, Communicator& communicator, const std::vector<Totals>& mine,
                std::size_t virtual_shards) {
  std::vector<std::size_t> counts =
      even_counts(virtual_shards, static_cast<std::size_t>(communicator.size()));
  for (std::size_t& count : counts) count *= 2;
  std::vector<double> flat;
  for (const Totals& each : mine) flat.insert(flat.end(), {each.rows, each.weight});
  const std::vector<double> shards = gather<double>(stream, communicator, flat, counts);
  Totals all;
  for (std::size_t i = 0; i < shards.size(); i += 2) {
    all.rows += shards[i];
    all.weight += shards[i + 1];
  }
  return all;
}

// Each with its weight behind it, brought to their places from all ranks.
std::vector<double> gather_rows(const Stream& stream, Communicator& communicator,
                                const std::vector<Candidate>& mine,
                                const std::vector<std::size_t>& places, std::size_t rows,
                                std::size_t columns) {
  std::vector<double> sample(rows * (columns + 1));
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (places[i] >= rows) continue;
    double* const row = sample.data() + places[i] * (columns + 1);
    std::ranges::copy(mine[i].x, row);
    row[columns] = mine[i].weight;
  }
  on_wire(stream, communicator, std::span(sample),
          [&](const Stream& wire, auto payload) { communicator.all_reduce(wire, payload); });
  return sample;
}

}  // namespace

RowSample sample_rows(const Stream& stream, Communicator& communicator, Dataset& data,
                      std::size_t count, std::uint64_t seed) {
  std::vector<Totals> totals;
  Reservoir reservoir(count);
  agree(communicator, stream, [&] {
    const Range mine =
        shards_of_rank(data.virtual_shards(), communicator.size(), communicator.rank());
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      totals.push_back(read_shard(stream, data, shard, seed, reservoir));
    }
  });
  const Totals all = total_of(stream, communicator, totals, data.virtual_shards());
  const std::vector<Candidate>& candidates = reservoir.finish();
  const std::size_t columns = data.design().columns();
  const std::size_t rows = std::min(count, static_cast<std::size_t>(all.rows));
  const std::vector<double> sample =
      gather_rows(stream, communicator, candidates,
                  places_among_all(stream, communicator, candidates, count), rows, columns);
  RowSample result{.columns = columns, .x = {}, .weight = {}};
  const bool whole = static_cast<double>(rows) == all.rows;
  for (std::size_t i = 0; i < rows; ++i) {
    const double* const row = sample.data() + i * (columns + 1);
    result.x.insert(result.x.end(), row, row + columns);
    result.weight.push_back(whole ? row[columns] : all.weight / static_cast<double>(rows));
  }
  return result;
}

}  // namespace bayesum
