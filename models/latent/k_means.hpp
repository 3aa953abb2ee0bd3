#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/matrix.hpp"
#include "kernels/random.hpp"

namespace bayesum {

// Rows x_i of weights w_i, cut into K clusters around centres c_k that make
//
//   cost = sum_i w_i min_k |x_i - c_k|^2
//
// small: a local minimum, or close to one.
struct KMeans {
  std::vector<double> centres;       // K x D
  std::vector<std::size_t> cluster;  // of each row, the nearest centre
  double cost = 0;
};

// Centres are drawn from the rows one after the other, each with a probability proportional to
// w_i times its squared distance from those before: the best of 2 + log K draws. Then at most
// `steps` of Lloyd's moves each to the mean of its cluster; one without rows stays. A pure function
// of rows and noise. Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding",
// SODA (2007). Costs about (2 + log K + steps) K D operations per row.
KMeans k_means(MatrixView<const double> x, std::span<const double> weight, std::size_t count,
               std::size_t steps, NoiseId id);

}  // namespace bayesum
