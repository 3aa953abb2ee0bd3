#include "core/examples/example_order.hpp"

#include <bit>
#include <limits>
#include <string>

#include "kernels/error.hpp"
#include "kernels/philox.hpp"

namespace bayesum {
namespace {

constexpr unsigned kRounds = 8;
constexpr unsigned kOffset = 255;  // in place of a round
constexpr std::uint64_t kMostPerStep = std::uint64_t{1} << 32;

// A draw that Monte Carlo never reaches, nor Minibatch: orders share no bits with other noise.
constexpr std::uint32_t kDraw = 0x7ffffffe;

std::uint64_t hash_of(std::uint64_t seed, std::uint64_t epoch, unsigned round, std::uint32_t half) {
  const auto high = static_cast<std::uint32_t>(epoch >> 32);
  const PhiloxBlock block =
      philox4x32({{half, round ^ high << 8, static_cast<std::uint32_t>(epoch), kDraw}},
                 {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
  return std::uint64_t{block.word[0]} << 32 | block.word[1];
}

std::uint64_t mask(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

}  // namespace

Permutation::Permutation(std::uint64_t n, std::uint64_t seed, std::uint64_t epoch)
    : n_(n), seed_(seed), epoch_(epoch) {
  const auto bits = static_cast<unsigned>(std::bit_width(n - 1));
  low_bits_ = bits / 2;
  high_bits_ = bits - low_bits_;
}

std::uint64_t Permutation::operator()(std::uint64_t i) const {
  do {
    i = once(i);
  } while (i >= n_);
  return i;
}

std::uint64_t Permutation::once(std::uint64_t i) const {
  std::uint64_t low = i & mask(low_bits_);
  std::uint64_t high = i >> low_bits_;
  for (unsigned round = 0; round < kRounds; round += 2) {
    low ^= hash_of(seed_, epoch_, round, static_cast<std::uint32_t>(high)) & mask(low_bits_);
    high ^= hash_of(seed_, epoch_, round + 1, static_cast<std::uint32_t>(low)) & mask(high_bits_);
  }
  return high << low_bits_ | low;
}

std::uint64_t offset_of_epoch(std::uint64_t seed, std::uint64_t epoch, std::uint64_t bound) {
  return hash_of(seed, epoch, kOffset, 0) % bound;
}

ExampleOrder::ExampleOrder(std::uint64_t examples, BatchShape shape, std::uint64_t seed)
    : examples_(examples), shape_(shape), seed_(seed) {
  std::uint64_t product = 1;
  for (const std::size_t extent : {shape.virtual_shards, shape.micro_steps, shape.rows}) {
    if (extent == 0 || extent > kMostPerStep / product) {
      throw Error(ExitCode::kUsage, "a step of " + std::to_string(shape.virtual_shards) +
                                        " virtual shards x " + std::to_string(shape.micro_steps) +
                                        " micro-batches x " + std::to_string(shape.rows) +
                                        " examples is none, or beyond 2^32");
    }
    product *= extent;
  }
  if (examples == 0) throw Error(ExitCode::kUsage, "there are no examples to take batches of");
}

double ExampleOrder::epochs_before(std::uint64_t step) const {
  return static_cast<double>(step) * static_cast<double>(shape_.examples_per_step()) /
         static_cast<double>(examples_);
}

std::vector<ExampleId> ExampleOrder::of(const MicroBatch& batch) const {
  if (batch.shard >= shape_.virtual_shards || batch.micro >= shape_.micro_steps) {
    throw Error(ExitCode::kUsage, "a step has no micro-batch " + std::to_string(batch.micro) +
                                      " of virtual shard " + std::to_string(batch.shard));
  }
  const std::uint64_t per_step = shape_.examples_per_step();
  __extension__ using Wide = unsigned __int128;
  const Wide first =
      Wide{batch.step} * per_step + (batch.shard * shape_.micro_steps + batch.micro) * shape_.rows;
  auto epoch = static_cast<std::uint64_t>(first / examples_);
  auto index = static_cast<std::uint64_t>(first % examples_);
  Permutation permutation(examples_, seed_, epoch);
  std::vector<ExampleId> ids(shape_.rows);
  for (ExampleId& id : ids) {
    id = {epoch, permutation(index)};
    if (++index < examples_) continue;
    index = 0;
    permutation = Permutation(examples_, seed_, ++epoch);
  }
  return ids;
}

}  // namespace bayesum
