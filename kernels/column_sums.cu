#include "kernels/column_sums.hpp"

#include "kernels/cuda_launch.cuh"
#include "kernels/twins.hpp"

namespace bayesum::cuda {
namespace {

struct Rows {
  MatrixView<const double> x;
  const double* weight;  // null: ones

  __device__ double w(std::size_t i) const { return weight == nullptr ? 1.0 : weight[i]; }
  __device__ double at(std::size_t i, std::size_t j) const { return x.data[i * x.stride + j]; }
};

struct Sums : Rows {
  __device__ double operator()(std::size_t i, std::size_t j) const { return w(i) * at(i, j); }
};

struct Squares : Rows {
  __device__ double operator()(std::size_t i, std::size_t j) const {
    return w(i) * at(i, j) * at(i, j);
  }
};

struct Levels : Rows {
  const std::size_t* first;

  // The weight of row i if it shows level k, counted over all columns.
  __device__ double operator()(std::size_t i, std::size_t k) const {
    std::size_t low = 0, high = x.cols;  // first[low] <= k < first[high]
    while (high - low > 1) {
      const std::size_t middle = (low + high) / 2;
      (first[middle] <= k ? low : high) = middle;
    }
    return at(i, low) == static_cast<double>(k - first[low]) ? w(i) : 0.0;
  }
};

struct Counts : Rows {
  CountTerms terms;

  __device__ double operator()(std::size_t i, std::size_t part) const {
    return w(i) * (part == 0 ? terms.exposure(i) : terms.base(i));
  }
};

Rows rows_of(MatrixView<const double> x, std::span<const double> w) {
  return {x, w.empty() ? nullptr : w.data()};
}

template <class Term>
void add_sums(const Stream& stream, const Term& term, std::span<double> out) {
  double* const partial = scratch(stream, slab_count(term.x.rows) * out.size());
  add_column_sums(stream, term.x.rows, out.size(), term, partial, out.data());
}

}  // namespace

void weighted_column_moments(const Stream& stream, MatrixView<const double> x,
                             std::span<const double> w, std::span<double> sums,
                             std::span<double> squares) {
  add_sums(stream, Sums{rows_of(x, w)}, sums);
  add_sums(stream, Squares{rows_of(x, w)}, squares);
}

void weighted_level_counts(const Stream& stream, MatrixView<const double> x,
                           std::span<const double> w, std::span<const std::size_t> first,
                           std::span<double> counts) {
  add_sums(stream, Levels{rows_of(x, w), first.data()}, counts);
}

void weighted_count_sums(const Stream& stream, MatrixView<const double> x,
                         std::span<const double> w, std::span<const double> offset,
                         std::span<double> out) {
  const CountTerms terms{x, offset.empty() ? nullptr : offset.data()};
  add_sums(stream, Counts{rows_of(x, w), terms}, out);
}

}  // namespace bayesum::cuda
