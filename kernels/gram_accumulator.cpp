#include "kernels/gram_accumulator.hpp"

#include <algorithm>
#include <cstring>

namespace bayesum::cpu {
namespace {

// The tile of sums held in registers: kTileRows x kTileVectors vectors, as many as there are names
// for in the instruction set. The build allows fused multiply-add in this file.
#ifdef __AVX512F__
constexpr std::size_t kVector = 8;
constexpr std::size_t kTileVectors = 2;
constexpr std::size_t kTileRows = 8;
#else
constexpr std::size_t kVector = 4;
constexpr std::size_t kTileVectors = 3;
constexpr std::size_t kTileRows = 4;
#endif
constexpr std::size_t kPanel = kVector * kTileVectors;
static_assert(kPanel % kTileRows == 0);

typedef double Vector __attribute__((vector_size(kVector * sizeof(double)), may_alias));

Vector& vector_at(double* data) { return *reinterpret_cast<Vector*>(data); }
const Vector& vector_at(const double* data) { return *reinterpret_cast<const Vector*>(data); }

// sum[r, c] += sum_k left[k, r] right[k, c] for a tile; rows of the panels are kPanel wide.
void add_tile(std::size_t rows, const double* left, const double* right, double* sum,
              std::size_t sum_stride) {
  Vector tile[kTileRows][kTileVectors] = {};
  for (std::size_t k = 0; k < rows; ++k, left += kPanel, right += kPanel) {
    Vector row[kTileVectors];
    for (std::size_t v = 0; v < kTileVectors; ++v) row[v] = vector_at(right + v * kVector);
    for (std::size_t r = 0; r < kTileRows; ++r) {
      for (std::size_t v = 0; v < kTileVectors; ++v) tile[r][v] += left[r] * row[v];
    }
  }
  for (std::size_t r = 0; r < kTileRows; ++r) {
    for (std::size_t v = 0; v < kTileVectors; ++v) {
      vector_at(sum + r * sum_stride + v * kVector) += tile[r][v];
    }
  }
}

std::size_t pad(std::size_t dimension) { return (dimension + kPanel - 1) / kPanel * kPanel; }

// A whole panel of a row. The row may start anywhere.
void pack_panel(const double* x, double weight, double* panel, double* weighted) {
  for (std::size_t v = 0; v < kPanel; v += kVector) {
    Vector values;
    std::memcpy(&values, x + v, sizeof values);
    vector_at(panel + v) = values;
    vector_at(weighted + v) = weight * values;
  }
}

// The last panel of a row, whose padding stays zero.
void pack_rest(const double* x, double weight, std::size_t width, double* panel, double* weighted) {
  for (std::size_t j = 0; j < width; ++j) {
    panel[j] = x[j];
    weighted[j] = weight * x[j];
  }
}

}  // namespace

GramAccumulator::GramAccumulator(std::size_t dimension)
    : dimension_(dimension),
      padded_(pad(dimension)),
      panels_(Device{}, kGramRows * padded_),
      weighted_panels_(Device{}, kGramRows * padded_),
      sum_(Device{}, padded_ * padded_) {}

void GramAccumulator::clear() { std::fill_n(sum_.data(), sum_.size(), 0.0); }

void GramAccumulator::pack(MatrixView<const double> x, const double* weight) {
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double* const row = x.data + i * x.stride;
    const double row_weight = weight == nullptr ? 1.0 : weight[i];
    double* panel = panels_.data() + i * kPanel;
    double* weighted = weighted_panels_.data() + i * kPanel;
    std::size_t first = 0;
    for (; first + kPanel <= dimension_; first += kPanel) {
      pack_panel(row + first, row_weight, panel, weighted);
      panel += kGramRows * kPanel;
      weighted += kGramRows * kPanel;
    }
    if (first < dimension_) {
      pack_rest(row + first, row_weight, dimension_ - first, panel, weighted);
    }
  }
}

void GramAccumulator::add(MatrixView<const double> x, const double* weight) {
  for (std::size_t begin = 0; begin < x.rows; begin += kGramRows) {
    const std::size_t rows = std::min(kGramRows, x.rows - begin);
    pack(x.row_block(begin, rows), weight == nullptr ? nullptr : weight + begin);
    for (std::size_t i = 0; i < padded_; i += kTileRows) {
      const std::size_t panel = i / kPanel * kPanel;
      const double* const left = weighted_panels_.data() + panel * kGramRows + (i - panel);
      for (std::size_t j = 0; j <= panel; j += kPanel) {
        add_tile(rows, left, panels_.data() + j * kGramRows, sum_.data() + i * padded_ + j,
                 padded_);
      }
    }
  }
}

void GramAccumulator::add_to(std::span<double> packed) const {
  for (std::size_t i = 0; i < dimension_; ++i) {
    const double* const row = sum_.data() + i * padded_;
    double* const out = packed.data() + packed_index(i, 0);
    for (std::size_t j = 0; j <= i; ++j) out[j] += row[j];
  }
}

}  // namespace bayesum::cpu
