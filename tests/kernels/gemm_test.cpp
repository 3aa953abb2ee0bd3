#include "kernels/gemm.hpp"

#include <limits>

#include "kernels/error.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

struct Shape {
  std::size_t m, n, k;
};

std::vector<Shape> shapes() {
  std::vector<Shape> shapes{{3, 0, 2}, {3, 4, 0}, {257, 100, 33}, {4097, 5, 3}, {5, 7, 4097}};
  for (const std::size_t size : {0, 1, 31, 32, 33}) {
    shapes.push_back({size, size, size});
    shapes.push_back({size, 17, 2});
  }
  for (const std::size_t size : {255, 256, 257}) shapes.push_back({size, 9, 65});
  return shapes;
}

// Every row is longer than the matrix: the elements past its end must be neither read nor written.
template <class T>
struct Strided {
  std::size_t rows, cols, stride;
  std::vector<T> values;

  Strided(std::size_t r, std::size_t c, std::uint32_t seed)
      : rows(r), cols(c), stride(c + 3), values(r * (c + 3), std::numeric_limits<T>::quiet_NaN()) {
    const std::vector<double> random = random_vector(r * c, seed);
    for (std::size_t i = 0; i < r; ++i) {
      for (std::size_t j = 0; j < c; ++j) at(i, j) = static_cast<T>(random[i * c + j]);
    }
  }
  T& at(std::size_t i, std::size_t j) { return values[i * stride + j]; }
};

template <class T>
void check_gemm(const Stream& stream, const Gemm& op, Shape shape, double tolerance) {
  const bool ta = op.transpose_a == Transpose::kYes, tb = op.transpose_b == Transpose::kYes;
  Strided<T> a(ta ? shape.k : shape.m, ta ? shape.m : shape.k, 1);
  Strided<T> b(tb ? shape.n : shape.k, tb ? shape.k : shape.n, 2);
  Strided<T> c(shape.m, shape.n, 3);
  Guarded<T> da(stream, a.values), db(stream, b.values), dc(stream, c.values);
  gemm(stream, op, MatrixView<const T>(da.data(), a.rows, a.cols, a.stride),
       MatrixView<const T>(db.data(), b.rows, b.cols, b.stride),
       MatrixView<T>(dc.data(), c.rows, c.cols, c.stride));
  const std::vector<T> actual = dc.host();
  for (std::size_t i = 0; i < shape.m; ++i) {
    for (std::size_t j = 0; j < shape.n; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < shape.k; ++k) {
        sum += static_cast<double>(ta ? a.at(k, i) : a.at(i, k)) *
               static_cast<double>(tb ? b.at(j, k) : b.at(k, j));
      }
      const double expected = op.alpha * sum + op.beta * static_cast<double>(c.at(i, j));
      ASSERT_NEAR(actual[i * c.stride + j], expected,
                  tolerance * (1.0 + std::sqrt(static_cast<double>(shape.k))))
          << i << ", " << j << " of " << shape.m << " x " << shape.n << " x " << shape.k;
    }
    for (std::size_t j = shape.n; j < c.stride; ++j) {
      ASSERT_TRUE(std::isnan(actual[i * c.stride + j])) << "written past the end of row " << i;
    }
  }
}

template <class T>
void check_all(const Stream& stream, double tolerance) {
  for (const Shape& shape : shapes()) {
    for (const Transpose ta : {Transpose::kNo, Transpose::kYes}) {
      for (const Transpose tb : {Transpose::kNo, Transpose::kYes}) {
        check_gemm<T>(stream, {ta, tb, 1.0, 0.0}, shape, tolerance);
        check_gemm<T>(stream, {ta, tb, -0.5, 2.0}, shape, tolerance);
      }
    }
  }
}

using GemmTest = KernelTest;

TEST_F(GemmTest, DoubleMatchesTheTripleLoop) { check_all<double>(stream(), 1e-14); }
TEST_F(GemmTest, FloatMatchesTheTripleLoop) { check_all<float>(stream(), 2e-6); }

TEST_F(GemmTest, BetaZeroOverwritesWhatIsNotANumber) {
  auto a = on_device({1.0, 2.0}), b = on_device({3.0, 4.0}),
       c = on_device({std::numeric_limits<double>::quiet_NaN()});
  gemm(stream(), {}, a.matrix(1, 2), b.matrix(2, 1), c.matrix(1, 1));
  EXPECT_EQ(c.host(), std::vector<double>{11.0});
}

TEST_F(GemmTest, GemvMatchesTheDoubleLoop) {
  for (const std::size_t m : kAwkwardSizes) {
    for (const std::size_t n : {0, 1, 31, 100, 257}) {
      const auto a = random_vector(m * n, 1), x = random_vector(n, 2), y = random_vector(m, 3);
      auto da = on_device(a), dx = on_device(x), dy = on_device(y);
      gemv(stream(), 2.0, da.matrix(m, n), dx.span(), -0.5, dy.span());
      std::vector<double> expected(m);
      for (std::size_t i = 0; i < m; ++i) {
        double sum = 0.0;
        for (std::size_t j = 0; j < n; ++j) sum += a[i * n + j] * x[j];
        expected[i] = 2.0 * sum - 0.5 * y[i];
      }
      expect_near(dy.host(), expected, 1e-13);
    }
  }
}

TEST_F(GemmTest, ShapesThatDoNotFitAreErrors) {
  auto a = zeros(6), b = zeros(6), c = zeros(9);
  EXPECT_THROW(gemm(stream(), {}, a.matrix(3, 2), b.matrix(3, 2), c.matrix(3, 3)), Error);
  EXPECT_NO_THROW(gemm(stream(), {.transpose_b = Transpose::kYes}, a.matrix(3, 2), b.matrix(3, 2),
                       c.matrix(3, 3)));
  EXPECT_THROW(gemv(stream(), 1.0, a.matrix(3, 2), b.span(), 0.0, c.span()), Error);
}

}  // namespace
}  // namespace bayesum::test
