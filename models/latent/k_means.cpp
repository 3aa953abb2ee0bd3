#include "models/latent/k_means.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace bayesum {
namespace {

double squared_distance(const double* a, const double* b, std::size_t columns) {
  double sum = 0;
  for (std::size_t j = 0; j < columns; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

// The row at which the running sum of `chance` passes this part of its total.
std::size_t draw(std::span<const double> chance, double part) {
  const double end = part * std::accumulate(chance.begin(), chance.end(), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i < chance.size(); ++i) {
    sum += chance[i];
    if (sum > end) return i;
  }
  return chance.size() - 1;
}

// The centres that Lloyd's moves begin with.
std::vector<double> seeds(MatrixView<const double> x, std::span<const double> weight,
                          std::size_t count, NoiseId id) {
  const std::size_t n = x.rows;
  const auto tries = 2 + static_cast<std::size_t>(std::log(static_cast<double>(count)));
  std::vector<double> noise(tries * count), centres;
  fill_uniform(Stream(), id, 0, std::span(noise));
  std::vector<double> cost(n, 1.0), trial(n), best(n);  // of each row, 1 before any centre
  for (std::size_t k = 0; k < count; ++k) {
    double least = std::numeric_limits<double>::infinity();
    const double* chosen = nullptr;
    for (std::size_t t = 0; t < (k == 0 ? 1 : tries); ++t) {
      for (std::size_t i = 0; i < n; ++i) trial[i] = weight[i] * cost[i];
      const double* const row = x.data + draw(trial, noise[k * tries + t]) * x.stride;
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double away = squared_distance(x.data + i * x.stride, row, x.cols);
        trial[i] = k == 0 ? away : std::min(cost[i], away);
        sum += weight[i] * trial[i];
      }
      if (chosen != nullptr && !(sum < least)) continue;
      least = sum;
      chosen = row;
      best.swap(trial);
    }
    cost.swap(best);
    centres.insert(centres.end(), chosen, chosen + x.cols);
  }
  return centres;
}

// Brings every row to its nearest centre; did any move?
bool assign(MatrixView<const double> x, std::span<const double> weight, KMeans& found) {
  const std::size_t count = found.centres.size() / x.cols;
  bool moved = false;
  found.cost = 0;
  for (std::size_t i = 0; i < x.rows; ++i) {
    double least = std::numeric_limits<double>::infinity();
    std::size_t nearest = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const double away =
          squared_distance(x.data + i * x.stride, found.centres.data() + k * x.cols, x.cols);
      if (!(away < least)) continue;
      least = away;
      nearest = k;
    }
    moved = moved || found.cluster[i] != nearest;
    found.cluster[i] = nearest;
    found.cost += weight[i] * least;
  }
  return moved;
}

void move_centres(MatrixView<const double> x, std::span<const double> weight, KMeans& found) {
  std::vector<double> sums(found.centres.size()), weights(found.centres.size() / x.cols);
  for (std::size_t i = 0; i < x.rows; ++i) {
    const std::size_t k = found.cluster[i];
    weights[k] += weight[i];
    for (std::size_t j = 0; j < x.cols; ++j) {
      sums[k * x.cols + j] += weight[i] * x.data[i * x.stride + j];
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (weights[i / x.cols] > 0) found.centres[i] = sums[i] / weights[i / x.cols];
  }
}

}  // namespace

KMeans k_means(MatrixView<const double> x, std::span<const double> weight, std::size_t count,
               std::size_t steps, NoiseId id) {
  KMeans found{.centres = seeds(x, weight, count, id), .cluster = {}, .cost = 0};
  found.cluster.assign(x.rows, count);
  for (std::size_t step = 0; assign(x, weight, found) && step < steps; ++step) {
    move_centres(x, weight, found);
  }
  return found;
}

}  // namespace bayesum
