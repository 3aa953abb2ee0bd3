#include "core/data/minibatch.hpp"

#include <numeric>
#include <string>
#include <utility>

#include "kernels/error.hpp"
#include "kernels/random.hpp"

namespace bayesum {
namespace {

// A draw that Monte Carlo never reaches: batches share no bits with other noise of the seed.
constexpr std::uint32_t kDraw = 0x7fffffff;

}  // namespace

Minibatch::Minibatch(std::size_t virtual_shards, std::size_t shards_per_step, std::uint64_t seed)
    : strata_(shards_per_step), depth_(0), seed_(seed) {
  if (shards_per_step == 0 || virtual_shards % shards_per_step != 0) {
    throw Error(ExitCode::kUsage,
                "data.shards_per_step = " + std::to_string(shards_per_step) +
                    " does not divide data.virtual_shards = " + std::to_string(virtual_shards));
  }
  depth_ = virtual_shards / shards_per_step;
}

void Minibatch::draw(std::int64_t step) {
  if (always_whole()) return;
  const auto depth = static_cast<std::int64_t>(depth_);
  if (step / depth != epoch_) {
    epoch_ = step / depth;
    shuffle(static_cast<std::uint64_t>(epoch_));
  }
  chosen_.resize(strata_);
  for (std::size_t s = 0; s < strata_; ++s) {
    chosen_[s] = s * depth_ + order_[s * depth_ + static_cast<std::size_t>(step % depth)];
  }
}

bool Minibatch::has(std::size_t shard) const { return whole() || chosen_[shard / depth_] == shard; }

double Minibatch::scale() const { return whole() ? 1.0 : static_cast<double>(depth_); }

// Fisher and Yates in every stratum.
void Minibatch::shuffle(std::uint64_t epoch) {
  std::vector<double> uniform(strata_ * depth_);
  fill_uniform(Stream(), {seed_, static_cast<std::uint32_t>(epoch), kDraw}, 0, uniform);
  order_.resize(uniform.size());
  for (std::size_t s = 0; s < strata_; ++s) {
    const auto order = order_.begin() + static_cast<std::ptrdiff_t>(s * depth_);
    std::iota(order, order + static_cast<std::ptrdiff_t>(depth_), std::size_t{0});
    for (std::size_t i = depth_ - 1; i > 0; --i) {
      const double u = uniform[s * depth_ + i];
      const auto j = static_cast<std::size_t>(u * static_cast<double>(i + 1));
      std::swap(order[static_cast<std::ptrdiff_t>(i)], order[static_cast<std::ptrdiff_t>(j)]);
    }
  }
}

}  // namespace bayesum
