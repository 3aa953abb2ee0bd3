#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "kernels/cholesky.hpp"
#include "kernels/column_sums.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/gemm.hpp"
#include "kernels/glm_pass.hpp"
#include "kernels/gram.hpp"
#include "kernels/mixture_pass.hpp"
#include "kernels/queue.hpp"
#include "kernels/random.hpp"
#include "kernels/reduce.hpp"
#include "kernels/softmax_pass.hpp"
#include "kernels/weights/draws.hpp"
#include "kernels/weights/steps.hpp"

// Every operation of this floor has two bodies of one signature: cpu::f in x.cpp and cuda::f in
// x.cu. They are declared here, and nowhere else; the public f in x.cpp checks its arguments and
// picks the twin by the stream's device. A build without CUDA has the cpu twins alone.

#define BAYESUM_TWINS(...) \
  namespace cpu {          \
  __VA_ARGS__;             \
  }                        \
  namespace cuda {         \
  __VA_ARGS__;             \
  }

#ifdef BAYESUM_WITH_CUDA
#define BAYESUM_DISPATCH(stream, ...) ((stream).on_cuda() ? cuda::__VA_ARGS__ : cpu::__VA_ARGS__)
#else
#define BAYESUM_DISPATCH(stream, ...) cpu::__VA_ARGS__
#endif

namespace bayesum {

BAYESUM_TWINS(void apply(const Stream& stream, const Blend& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AddScaled& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AddScaledFloat& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const Scale& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const Fill& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const FillFloat& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const Multiply& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const LookUp& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AddPackedPrecision& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const StudentTWeight& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AddLogPrecisionGradient& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AddLogPrecisionSquares& op, std::size_t size))

BAYESUM_TWINS(void apply(const Stream& stream, const SquareElements& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const SoftmaxRows& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AddGramBlock& op, std::size_t size))

BAYESUM_TWINS(void fill_normal(const Stream& stream, NoiseId id, std::uint64_t first_index,
                               std::span<double> out))
BAYESUM_TWINS(void fill_normal(const Stream& stream, NoiseId id, std::uint64_t first_index,
                               std::span<float> out))
BAYESUM_TWINS(void fill_uniform(const Stream& stream, NoiseId id, std::uint64_t first_index,
                                std::span<double> out))

BAYESUM_TWINS(void apply(const Stream& stream, const GaussianSigma& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const SignOf& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const SignSigma& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AddDeviationGradient& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AddScaledSquare& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AddSignGradient& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const IvonStep& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const AdamStep& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const SgdStep& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const VadamStep& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const VognStep& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const BernoulliStep& op, std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const DrawGaussian& op, NoiseStart noise,
                         std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const DrawWithSd& op, NoiseStart noise,
                         std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const DrawSign& op, NoiseStart noise,
                         std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const DrawSignWithSd& op, NoiseStart noise,
                         std::size_t size))
BAYESUM_TWINS(void apply(const Stream& stream, const IvonStep& op, const NextDraw& next,
                         std::size_t size))

BAYESUM_TWINS(double sum(const Stream& stream, std::span<const double> x))
BAYESUM_TWINS(double dot(const Stream& stream, std::span<const double> x,
                         std::span<const double> y))
BAYESUM_TWINS(double max_abs(const Stream& stream, std::span<const double> x))
BAYESUM_TWINS(double sum_of_squares(const Stream& stream, std::span<const float> x))
BAYESUM_TWINS(std::uint64_t count_nonfinite(const Stream& stream, std::span<const double> x))

BAYESUM_TWINS(void gemm(const Stream& stream, const Gemm& op, MatrixView<const double> a,
                        MatrixView<const double> b, MatrixView<double> c))
BAYESUM_TWINS(void gemm(const Stream& stream, const Gemm& op, MatrixView<const float> a,
                        MatrixView<const float> b, MatrixView<float> c))
BAYESUM_TWINS(void gemv(const Stream& stream, double alpha, MatrixView<const double> a,
                        std::span<const double> x, double beta, std::span<double> y))

BAYESUM_TWINS(void weighted_gram(const Stream& stream, MatrixView<const double> x,
                                 std::span<const double> w, std::span<double> packed))
BAYESUM_TWINS(void weighted_column_sum(const Stream& stream, MatrixView<const double> x,
                                       std::span<const double> w, std::span<double> out))

BAYESUM_TWINS(void weighted_column_moments(const Stream& stream, MatrixView<const double> x,
                                           std::span<const double> w, std::span<double> sums,
                                           std::span<double> squares))
BAYESUM_TWINS(void weighted_level_counts(const Stream& stream, MatrixView<const double> x,
                                         std::span<const double> w,
                                         std::span<const std::size_t> first,
                                         std::span<double> counts))
BAYESUM_TWINS(void weighted_count_sums(const Stream& stream, MatrixView<const double> x,
                                       std::span<const double> w, std::span<const double> offset,
                                       std::span<double> out))

BAYESUM_TWINS(bool cholesky(const Stream& stream, MatrixView<double> a))
BAYESUM_TWINS(void solve_triangular(const Stream& stream, Triangle triangle,
                                    MatrixView<const double> l, MatrixView<double> b))
BAYESUM_TWINS(void invert_triangular(const Stream& stream, MatrixView<const double> l,
                                     MatrixView<double> inverse))
BAYESUM_TWINS(double log_determinant(const Stream& stream, MatrixView<const double> l))
BAYESUM_TWINS(void unpack_symmetric(const Stream& stream, double scale,
                                    std::span<const double> packed, MatrixView<double> dense))

BAYESUM_TWINS(void glm_pass(const Stream& stream, const GlmPass& pass))
BAYESUM_TWINS(void linear_predictor(const Stream& stream, const GlmPass& pass,
                                    std::span<double> mean_z, std::span<double> variance_z))

BAYESUM_TWINS(void squared_distances(const Stream& stream, MatrixView<const double> x,
                                     const MixtureMetric& metric, MatrixView<double> distance))
BAYESUM_TWINS(void apply(const Stream& stream, const ResolveComponents& op, std::size_t size))

BAYESUM_TWINS(void* allocate(Device device, std::size_t bytes))
BAYESUM_TWINS(void release(Device device, void* data) noexcept)
BAYESUM_TWINS(void copy(const Stream& stream, const void* from, void* to, std::size_t bytes))

BAYESUM_TWINS(std::shared_ptr<Queue> make_queue(Device device))

// A GPU alone has these.
namespace cuda {
int device_count();
std::string why_no_device();  // the driver's words when device_count() is 0
std::string device_description(int index);
}  // namespace cuda

}  // namespace bayesum
