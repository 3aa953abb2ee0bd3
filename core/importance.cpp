#include "core/importance.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>

#include "core/agree.hpp"
#include "core/staging.hpp"
#include "distributed/sum_tree.hpp"

namespace bayesum {
namespace {

// Beyond every step of a training, so that its noise is not drawn again.
constexpr std::uint32_t kStep = std::numeric_limits<std::uint32_t>::max();

// <lambda_prior - lambda, T(theta)>: log p(theta) - log q(theta) but for the log-partitions.
double prior_ratio(const Prior& prior, const Posterior& q, std::span<const double> theta) {
  const std::vector<double> t = q.sufficient_statistic(theta);
  double sum = 0;
  for (std::size_t i = 0; i < t.size(); ++i) sum += (prior.natural[i] - q.natural()[i]) * t[i];
  return sum;
}

}  // namespace

std::vector<double> log_importance_ratios(const Stream& stream, Communicator& communicator,
                                          Dataset& data, const Model& model, const Posterior& q,
                                          std::size_t draws, std::uint64_t seed) {
  const std::size_t dimension = q.dimension();
  std::vector<double> thetas(draws * dimension);
  const auto theta = [&](std::size_t s) {
    return std::span(thetas).subspan(s * dimension, dimension);
  };
  std::optional<SumTree> tree;
  agree(communicator, stream, [&] {
    for (std::size_t s = 0; s < draws; ++s) {
      q.sample({.seed = seed, .step = kStep, .draw = static_cast<std::uint32_t>(s)}, theta(s));
    }
    const MatrixView<const double> rows{thetas.data(), draws, dimension};
    tree.emplace(data.virtual_shards(), draws, Device{});
    const Range mine =
        shards_of_rank(data.virtual_shards(), communicator.size(), communicator.rank());
    std::vector<double> sums(draws);
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      std::ranges::fill(sums, 0.0);
      data.visit(stream, shard,
                 [&](const Batch& batch) { model.log_likelihood(batch, rows, sums); });
      tree->add(stream, shard, sums);
    }
  });
  const bool is_root = communicator.rank() == 0;
  std::vector<double> ratios(draws);
  tree->finish(stream, communicator, ratios);
  if (!is_root) return {};
  const double partitions = q.log_partition() - model.prior().log_partition;
  for (std::size_t s = 0; s < draws; ++s) {
    ratios[s] += prior_ratio(model.prior(), q, theta(s)) + partitions;
  }
  return ratios;
}

}  // namespace bayesum
