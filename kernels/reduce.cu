#include "kernels/reduce.hpp"

#include "kernels/cuda_launch.cuh"
#include "kernels/reduce_ops.hpp"
#include "kernels/twins.hpp"

namespace bayesum::cuda {
namespace {

template <class Load, class Combine>
double reduce(const Stream& stream, std::size_t size, const Load& load, const Combine& combine) {
  if (size == 0) return 0.0;
  double* const partial = scratch(stream, reduce_scratch(size));
  return to_host(stream, reduce_on_device(stream, size, load, combine, partial));
}

}  // namespace

double sum(const Stream& stream, std::span<const double> x) {
  return reduce(stream, x.size(), LoadValue{x.data()}, Plus{});
}

double dot(const Stream& stream, std::span<const double> x, std::span<const double> y) {
  return reduce(stream, x.size(), LoadProduct{x.data(), y.data()}, Plus{});
}

double max_abs(const Stream& stream, std::span<const double> x) {
  return reduce(stream, x.size(), LoadMagnitude{x.data()}, LargestOrNan{});
}

double sum_of_squares(const Stream& stream, std::span<const float> x) {
  return reduce(stream, x.size(), LoadSquare{x.data()}, Plus{});
}

std::uint64_t count_nonfinite(const Stream& stream, std::span<const double> x) {
  return static_cast<std::uint64_t>(reduce(stream, x.size(), LoadNonfinite{x.data()}, Plus{}));
}

}  // namespace bayesum::cuda
