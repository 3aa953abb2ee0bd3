#include "core/posterior.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

// Noise of a block's own: the seed goes through the finalizer of SplitMix64, a bijection, so that
// blocks never share one. A lone block keeps its id.
//   Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
NoiseId of_block(NoiseId id, std::size_t block) {
  if (block == 0) return id;
  std::uint64_t z = id.seed + 0x9e3779b97f4a7c15u * block;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  id.seed = z ^ (z >> 31);
  return id;
}

// Calls visit(block, its part of theta) for every block.
template <class Element, class Visit>
void each_block(std::span<const Block> blocks, std::span<Element> theta, const Visit& visit) {
  for (const Block& block : blocks) {
    visit(block, theta.first(block.family->dimension()));
    theta = theta.subspan(block.family->dimension());
  }
}

}  // namespace

void Posterior::add_block(std::string name, std::shared_ptr<const Family> family) {
  const std::size_t first = natural_.size();
  natural_.resize(first + family->size());
  blocks_.push_back({std::move(name), std::move(family), first});
}

const Block& Posterior::block(const std::string& name) const {
  const auto found = std::ranges::find(blocks_, name, &Block::name);
  if (found == blocks_.end()) {
    throw Error(ExitCode::kUsage, "the posterior has no block named '" + name + "'");
  }
  return *found;
}

std::span<const double> Posterior::natural(const Block& block) const {
  return natural().subspan(block.first, block.family->size());
}

std::size_t Posterior::dimension() const {
  std::size_t sum = 0;
  for (const Block& block : blocks_) sum += block.family->dimension();
  return sum;
}

bool Posterior::proper() const {
  return std::ranges::all_of(
      blocks_, [this](const Block& block) { return block.family->proper(natural(block)); });
}

double Posterior::log_partition() const {
  double sum = 0;
  for (const Block& block : blocks_) sum += block.family->log_partition(natural(block));
  return sum;
}

double Posterior::entropy() const {
  double sum = 0;
  for (const Block& block : blocks_) sum += block.family->entropy(natural(block));
  return sum;
}

std::vector<double> Posterior::mean() const {
  std::vector<double> mean(size());
  for (const Block& block : blocks_) {
    block.family->mean_from_natural(natural(block),
                                    std::span(mean).subspan(block.first, block.family->size()));
  }
  return mean;
}

void Posterior::sample(NoiseId id, std::span<double> theta) const {
  std::size_t index = 0;
  each_block(std::span(blocks_), theta, [&](const Block& block, std::span<double> part) {
    block.family->sample(natural(block), of_block(id, index++), part);
  });
}

double Posterior::log_density(std::span<const double> theta) const {
  double sum = 0;
  each_block(std::span(blocks_), theta, [&](const Block& block, std::span<const double> part) {
    sum += bayesum::log_density(*block.family, natural(block), part);
  });
  return sum;
}

std::vector<double> Posterior::sufficient_statistic(std::span<const double> theta) const {
  std::vector<double> t(size());
  each_block(std::span(blocks_), theta, [&](const Block& block, std::span<const double> part) {
    block.family->sufficient_statistic(part,
                                       std::span(t).subspan(block.first, block.family->size()));
  });
  return t;
}

void Posterior::natural_from_centred(std::span<const double> centred,
                                     std::span<double> message) const {
  for (const Block& block : blocks_) {
    const std::size_t size = block.family->size();
    block.family->natural_from_centred(natural(block), centred.subspan(block.first, size),
                                       message.subspan(block.first, size));
  }
}

std::vector<std::size_t> Posterior::slice_counts(std::size_t parts) const {
  std::size_t units = 0;
  const Block* whole = nullptr;  // a block that cannot be cut
  for (const Block& block : blocks_) {
    if (block.family->unit() == block.family->size()) whole = &block;
    units += block.family->size() / block.family->unit();
  }
  if (whole != nullptr && units < parts) {
    throw Error(ExitCode::kUsage, "the block '" + whole->name + "' (" + whole->family->name() +
                                      ") cannot be cut over ranks: use coordinator.kind = "
                                      "\"replicated\" or \"root\", or a diagonal posterior");
  }
  // Where in lambda unit number u begins.
  const auto boundary = [this](std::size_t u) {
    for (const Block& block : blocks_) {
      const std::size_t here = block.family->size() / block.family->unit();
      if (u <= here) return block.first + u * block.family->unit();
      u -= here;
    }
    return size();
  };
  std::vector<std::size_t> counts(parts);
  for (std::size_t part = 0; part < parts; ++part) {
    const Range range = even_part(units, parts, part);
    counts[part] = boundary(range.last) - boundary(range.first);
  }
  return counts;
}

Posterior Posterior::slice(Range range) const {
  Posterior part;
  for (const Block& block : blocks_) {
    const std::size_t first = std::max(range.first, block.first);
    const std::size_t last = std::min(range.last, block.first + block.family->size());
    if (first < last) {
      part.add_block(block.name, block.family->of_units((last - first) / block.family->unit()));
    }
  }
  std::ranges::copy(natural().subspan(range.first, range.size()), part.natural_.begin());
  return part;
}

void Posterior::assign(Range range, const Posterior& part) {
  std::ranges::copy(part.natural_, natural_.begin() + static_cast<std::ptrdiff_t>(range.first));
}

double elbo(const Posterior& q, const Prior& prior, double expected_log_likelihood) {
  const std::vector<double> mean = q.mean();
  const double expected_log_prior =
      std::inner_product(mean.begin(), mean.end(), prior.natural.begin(), -prior.log_partition);
  return expected_log_likelihood + expected_log_prior + q.entropy();
}

}  // namespace bayesum
