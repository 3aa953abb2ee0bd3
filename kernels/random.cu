#include "kernels/random.hpp"

#include "kernels/cuda_launch.cuh"
#include "kernels/philox.hpp"
#include "kernels/twins.hpp"

namespace bayesum::cuda {
namespace {

template <class Noise>
void fill(const Stream& stream, NoiseId id, std::uint64_t first_index, std::span<double> out) {
  const FillNoise<Noise> fill_pair{id, first_index, out.size(), out.data()};
  for_each(stream, fill_pair.pairs(), fill_pair);
}

}  // namespace

void fill_normal(const Stream& stream, NoiseId id, std::uint64_t first_index,
                 std::span<double> out) {
  fill<NormalNoise>(stream, id, first_index, out);
}

void fill_uniform(const Stream& stream, NoiseId id, std::uint64_t first_index,
                  std::span<double> out) {
  fill<UniformNoise>(stream, id, first_index, out);
}

}  // namespace bayesum::cuda
