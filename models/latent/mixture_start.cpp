#include "models/latent/mixture_start.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/parallel.hpp"
#include "models/latent/k_means.hpp"
#include "models/latent/mixture_posterior.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kLeastRows = 2048, kMostRows = 32768, kRowsOfAComponent = 64;
constexpr std::size_t kMostAttempts = 16, kClimbing = 4;
constexpr double kMostDistances = 1e9;  // elements of them, in k-means of all attempts
constexpr std::size_t kLloydSteps = 20;
constexpr std::size_t kAscentSteps = 5;

std::size_t attempts(const RowSample& rows, std::size_t components) {
  const double each = static_cast<double>(rows.x.size()) * static_cast<double>(components) *
                      static_cast<double>(kLloydSteps);
  const double affordable = kMostDistances / each;
  return affordable < static_cast<double>(kMostAttempts)
             ? std::max<std::size_t>(1, static_cast<std::size_t>(affordable))
             : kMostAttempts;
}

Posterior posterior_of(const Model& model, const RowSample& rows, std::size_t components,
                       const KMeans& found) {
  Posterior q = model.initial_posterior();
  std::ranges::copy(model.prior().natural, q.natural().begin());
  const std::size_t d = rows.columns;
  std::vector<double> weight(components), squares(components);
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const std::size_t k = found.cluster[i];
    weight[k] += rows.weight[i];
    for (std::size_t j = 0; j < d; ++j) {
      const double away = rows.x[i * d + j] - found.centres[k * d + j];
      squares[k] += rows.weight[i] * away * away;
    }
  }
  for (std::size_t k = 0; k < components; ++k) {
    if (!(weight[k] > 0)) continue;
    q.natural()[k] += weight[k];
    const Block& block = q.blocks()[1 + k];
    const auto natural = q.natural().subspan(block.first, block.family->size());
    natural[0] += 0.5 * weight[k];
    add_cluster(natural, std::span(found.centres).subspan(k * d, d), weight[k],
                squares[k] / (weight[k] * static_cast<double>(d)));
  }
  return q;
}

// The ELBO of the sample at q; q becomes that of one step on.
double climb(Model& model, const Batch& rows, Posterior& q, Message& message) {
  const Stream host;
  message.clear(host);
  model.prepare(host, q);
  model.accumulate(host, rows, message);
  const double elbo = model.objective(q, *message.loss());
  for (std::size_t i = 0; i < q.size(); ++i) {
    q.natural()[i] = model.prior().natural[i] + message.payload()[i];
  }
  return elbo;
}

}  // namespace

std::size_t mixture_start_rows(std::size_t components) {
  return std::clamp(kRowsOfAComponent * components, kLeastRows, kMostRows);
}

Posterior mixture_start(Model& model, const RowSample& rows, std::size_t components,
                        std::uint64_t seed) {
  Posterior best = model.initial_posterior();
  std::ranges::copy(model.prior().natural, best.natural().begin());
  if (rows.rows() == 0) return best;
  std::vector<KMeans> found(attempts(rows, components));
  cpu::parallel_for(found.size(), [&](std::size_t i) {
    found[i] = k_means(rows.view(), rows.weight, components, kLloydSteps,
                       {.seed = seed, .draw = static_cast<std::uint32_t>(i)});
  });
  std::ranges::stable_sort(found, {}, &KMeans::cost);
  found.resize(std::min(found.size(), kClimbing));
  const Batch batch{
      .x = rows.view(), .y = {}, .offset = {}, .weight = rows.weight, .group = {}, .sparse = {}};
  Message message(best.size(), Device{});
  double highest = -std::numeric_limits<double>::infinity();
  for (const KMeans& clusters : found) {
    Posterior q = posterior_of(model, rows, components, clusters);
    double elbo = 0;
    for (std::size_t step = 0; step < kAscentSteps; ++step) elbo = climb(model, batch, q, message);
    if (!(elbo > highest)) continue;
    highest = elbo;
    best = q;
  }
  return best;
}

}  // namespace bayesum
