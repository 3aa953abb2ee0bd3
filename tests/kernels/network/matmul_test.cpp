#include "kernels/network/matmul.hpp"

#include "kernels/error.hpp"
#include "tests/kernels/network/network_test.hpp"

namespace bayesum::test {
namespace {

struct Shape {
  std::size_t m, n, k;
};

// With those that are cut into several tiles, and tiles of several sizes.
std::vector<Shape> shapes() {
  std::vector<Shape> shapes{{0, 3, 2},      {3, 0, 2},      {3, 4, 0},    {1, 1, 1},
                            {1, 300, 5},    {300, 1, 5},    {2, 3, 4097}, {513, 520, 7},
                            {257, 700, 33}, {40, 1100, 65}, {1100, 40, 3}};
  for (const std::size_t size : {31, 32, 33}) shapes.push_back({size, size, size});
  for (const std::size_t size : {255, 256, 257}) shapes.push_back({size, 70, size});
  return shapes;
}

// A matrix whose rows are longer than they look; NaN in between.
template <class T>
struct Strided {
  std::size_t rows, cols, stride;
  std::vector<T> values;

  Strided(std::size_t r, std::size_t c, std::uint32_t seed)
      : rows(r), cols(c), stride(c + 3), values(r * stride, static_cast<T>(std::nanf(""))) {
    const std::vector<T> random = random_values<T>(r * c, seed);
    for (std::size_t i = 0; i < r; ++i) {
      for (std::size_t j = 0; j < c; ++j) values[i * stride + j] = random[i * c + j];
    }
  }
  double at(std::size_t i, std::size_t j) const {
    return wide(static_cast<float>(values[i * stride + j]));
  }
};

template <class T>
MatrixView<const T> view(Guarded<T>& memory, const Strided<T>& matrix) {
  return {memory.data(), matrix.rows, matrix.cols, matrix.stride};
}

template <class T>
struct Factors {
  Strided<T> a, b;
  bool ta, tb;
  std::size_t k;

  Factors(const Matmul& op, Shape shape)
      : a(op.transpose_a == Transpose::kYes ? shape.k : shape.m,
          op.transpose_a == Transpose::kYes ? shape.m : shape.k, 1),
        b(op.transpose_b == Transpose::kYes ? shape.n : shape.k,
          op.transpose_b == Transpose::kYes ? shape.k : shape.n, 2),
        ta(op.transpose_a == Transpose::kYes),
        tb(op.transpose_b == Transpose::kYes),
        k(shape.k) {}

  double product(std::size_t i, std::size_t j) const {
    double sum = 0.0;
    for (std::size_t l = 0; l < k; ++l) {
      sum += (ta ? a.at(l, i) : a.at(i, l)) * (tb ? b.at(j, l) : b.at(l, j));
    }
    return sum;
  }
};

double tolerance_of_sums(std::size_t k) { return 2e-6 * (1.0 + std::sqrt(static_cast<double>(k))); }

template <class T, class C>
void check(const Stream& stream, Matmul op, Shape shape) {
  const Factors<T> factors(op, shape);
  const Strided<C> c(shape.m, shape.n, 3);
  const std::vector<float> bias = random_values<float>(shape.n, 4);
  Guarded<T> da(stream, factors.a.values), db(stream, factors.b.values);
  Guarded<C> dc(stream, c.values);
  Guarded<float> dbias(stream, bias);
  if (!op.bias.empty()) op.bias = dbias.span();
  matmul(stream, op, view(da, factors.a), view(db, factors.b),
         MatrixView<C>(dc.data(), c.rows, c.cols, c.stride));
  const std::vector<C> actual = dc.host();
  const double rounding = std::is_same_v<C, float> ? 0.0 : 0x1p-8;
  for (std::size_t i = 0; i < shape.m; ++i) {
    for (std::size_t j = 0; j < shape.n; ++j) {
      const double expected = wide(op.alpha) * factors.product(i, j) +
                              (op.beta == 0.0f ? 0.0 : wide(op.beta) * c.at(i, j)) +
                              (op.bias.empty() ? 0.0 : wide(bias[j]));
      ASSERT_NEAR(wide(static_cast<float>(actual[i * c.stride + j])), expected,
                  tolerance_of_sums(shape.k) + rounding * std::fabs(expected))
          << i << ", " << j << " of " << shape.m << " x " << shape.n << " x " << shape.k;
    }
    for (std::size_t j = shape.n; j < c.stride; ++j) {
      ASSERT_TRUE(std::isnan(static_cast<float>(actual[i * c.stride + j])))
          << "written past the end of row " << i;
    }
  }
}

template <class T, class C>
void check_all(const Stream& stream) {
  const std::vector<float> some(1);
  for (const Shape& shape : shapes()) {
    for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
      for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
        check<T, C>(stream, {ta, tb, 1.0f, 0.0f}, shape);
        check<T, C>(stream, {ta, tb, 1.0f, 1.0f}, shape);
        check<T, C>(stream, {ta, tb, -0.5f, 2.0f, shape.n == 0 ? std::span<const float>{} : some},
                    shape);
      }
    }
  }
}

using MatmulTest = KernelTest;

TEST_F(MatmulTest, FloatMatchesTheTripleLoop) { check_all<float, float>(stream()); }
TEST_F(MatmulTest, BFloat16IntoFloatMatchesTheTripleLoop) { check_all<BFloat16, float>(stream()); }
TEST_F(MatmulTest, BFloat16IsRoundedOnce) { check_all<BFloat16, BFloat16>(stream()); }

double gelu(double x) {
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
}

double gelu_slope(double x) {
  const double root = std::sqrt(2.0 / M_PI), t = std::tanh(root * (x + 0.044715 * x * x * x));
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * root * (1.0 + 3.0 * 0.044715 * x * x);
}

template <class T>
class MatmulGeluTest : public NetworkTest<T> {};
TYPED_TEST_SUITE(MatmulGeluTest, StorageTypes);

TYPED_TEST(MatmulGeluTest, ForwardKeepsWhatGeluWasGiven) {
  using T = TypeParam;
  for (const Shape shape : {Shape{31, 33, 7}, {257, 600, 65}, {5, 4, 0}, {0, 2, 2}}) {
    Matmul op{.alpha = 0.5f};
    const Factors<T> factors(op, shape);
    const std::vector<float> bias = random_values<float>(shape.n, 4);
    Guarded<T> a(this->stream(), factors.a.values), b(this->stream(), factors.b.values);
    auto dbias = this->floats(bias);
    op.bias = dbias.span();
    auto pre = this->empty(shape.m * shape.n), y = this->empty(shape.m * shape.n);
    matmul_gelu(this->stream(), op, view(a, factors.a), view(b, factors.b),
                pre.matrix(shape.m, shape.n), y.matrix(shape.m, shape.n));
    std::vector<double> expected;
    for (std::size_t i = 0; i < shape.m; ++i) {
      for (std::size_t j = 0; j < shape.n; ++j) {
        expected.push_back(0.5 * factors.product(i, j) + wide(bias[j]));
      }
    }
    expect_close(pre.host(), expected, this->kTolerance);
    expected = wide(pre.host());
    for (double& value : expected) value = gelu(value);
    expect_close(y.host(), expected, this->kRounding + 4e-6, 1e-3);
  }
}

TYPED_TEST(MatmulGeluTest, BackwardMultipliesByTheSlope) {
  using T = TypeParam;
  for (const Shape shape : {Shape{31, 33, 7}, {257, 600, 65}, {5, 4, 0}, {0, 2, 2}}) {
    const Matmul op{.transpose_b = Transpose::kYes};
    const Factors<T> factors(op, shape);
    const std::vector<T> pre = random_values<T>(shape.m * shape.n, 5, -4.0, 4.0);
    Guarded<T> a(this->stream(), factors.a.values), b(this->stream(), factors.b.values);
    auto dpre_in = this->store(pre);
    auto dpre = this->empty(pre.size());
    matmul_gelu_backward(this->stream(), op, view(a, factors.a), view(b, factors.b),
                         MatrixView<const T>(dpre_in.data(), shape.m, shape.n),
                         dpre.matrix(shape.m, shape.n));
    std::vector<double> expected;
    for (std::size_t i = 0; i < shape.m; ++i) {
      for (std::size_t j = 0; j < shape.n; ++j) {
        expected.push_back(factors.product(i, j) *
                           gelu_slope(wide(static_cast<float>(pre[i * shape.n + j]))));
      }
    }
    expect_close(dpre.host(), expected, this->kTolerance);
  }
}

TEST_F(MatmulTest, ShapesThatDoNotFitAreErrors) {
  Guarded<float> a(stream(), std::vector<float>(6)), b(stream(), std::vector<float>(6)),
      c(stream(), std::vector<float>(9)), bias(stream(), std::vector<float>(2));
  const MatrixView<const float> left(a.data(), 3, 2), right(b.data(), 2, 3);
  EXPECT_NO_THROW(matmul(stream(), {}, left, right, c.matrix(3, 3)));
  EXPECT_THROW(matmul(stream(), {}, left, left, c.matrix(3, 3)), Error);
  EXPECT_THROW(matmul(stream(), {}, left, right, c.matrix(2, 3)), Error);
  EXPECT_THROW(matmul(stream(), {.bias = bias.span()}, left, right, c.matrix(3, 3)), Error);
  EXPECT_THROW(matmul_gelu(stream(), {.beta = 1.0f}, left, right, c.matrix(3, 3), c.matrix(3, 3)),
               Error);
}

// One row each: what lies behind it is never read.
TEST_F(MatmulTest, WhatBlasCannotCountIsAnError) {
  Guarded<float> a(stream(), {2.0f}), b(stream(), {3.0f}), c(stream(), {0.0f});
  const MatrixView<const float> left(a.data(), 1, 1, std::size_t{1} << 32);
  EXPECT_THROW(matmul(stream(), {}, left, b.matrix(1, 1), c.matrix(1, 1)), Error);
}

}  // namespace
}  // namespace bayesum::test
