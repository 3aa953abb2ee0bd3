#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/data/dataset.hpp"

namespace bayesum {

// Some rows of a table as its design has them, in host memory, each with the weight for which it
// stands.
struct RowSample {
  std::size_t columns = 0;
  std::vector<double> x;       // rows x columns
  std::vector<double> weight;  // rows

  std::size_t rows() const { return weight.size(); }
  MatrixView<const double> view() const { return {x.data(), rows(), columns}; }
};

// Collective, in one pass over the rows, which are dense: `count` of those that weigh more than
// nothing, without replacement, or all where there are no more. Row i of virtual shard v has the
// key -log(u_vi) / weight with u uniform noise, and the rows with the smallest keys are taken, in
// the order of the keys: the same for any number of ranks. All rows keep their weights; of a sample
// each stands for the same part of the sum of weights. Efraimidis and Spirakis, "Weighted random
// sampling with a reservoir", Information Processing Letters 97 (2006).
//
// Costs an all-gather of `count` elements per rank and an all-reduce of the sample.
RowSample sample_rows(const Stream& stream, Communicator& communicator, Dataset& data,
                      std::size_t count, std::uint64_t seed);

}  // namespace bayesum
