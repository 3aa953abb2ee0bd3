#include "kernels/random.hpp"

#include "kernels/parallel.hpp"
#include "kernels/philox.hpp"
#include "kernels/twins.hpp"

namespace bayesum {

namespace cpu {
namespace {

template <class Noise>
void fill(NoiseId id, std::uint64_t first_index, std::span<double> out) {
  constexpr std::size_t kGrain = 2048;
  const FillNoise<Noise> fill_pair{id, first_index, out.size(), out.data()};
  parallel_ranges(fill_pair.pairs(), kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) fill_pair(i);
  });
}

}  // namespace

void fill_normal(const Stream&, NoiseId id, std::uint64_t first_index, std::span<double> out) {
  fill<NormalNoise>(id, first_index, out);
}

void fill_uniform(const Stream&, NoiseId id, std::uint64_t first_index, std::span<double> out) {
  fill<UniformNoise>(id, first_index, out);
}

}  // namespace cpu

void fill_normal(const Stream& stream, NoiseId id, std::uint64_t first_index,
                 std::span<double> out) {
  BAYESUM_DISPATCH(stream, fill_normal(stream, id, first_index, out));
}

void fill_normal(const Stream& stream, NoiseId id, std::uint64_t first_index,
                 std::span<float> out) {
  BAYESUM_DISPATCH(stream, fill_normal(stream, id, first_index, out));
}

void fill_uniform(const Stream& stream, NoiseId id, std::uint64_t first_index,
                  std::span<double> out) {
  BAYESUM_DISPATCH(stream, fill_uniform(stream, id, first_index, out));
}

}  // namespace bayesum
