#include "kernels/cholesky.hpp"

#include <limits>

#include "kernels/error.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

const std::vector<std::size_t> kDimensions{1, 2, 31, 32, 33, 100, 255, 256, 257};

// B B' / d + I, well conditioned.
std::vector<double> positive_definite(std::size_t d) {
  const std::vector<double> b = random_vector(d * d, 11);
  std::vector<double> a(d * d);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      double sum = i == j ? 1.0 : 0.0;
      for (std::size_t k = 0; k < d; ++k)
        sum += b[i * d + k] * b[j * d + k] / static_cast<double>(d);
      a[i * d + j] = sum;
    }
  }
  return a;
}

// By the textbook, with long double sums.
std::vector<double> naive_factor(std::vector<double> a, std::size_t d) {
  for (std::size_t j = 0; j < d; ++j) {
    for (std::size_t i = 0; i < d; ++i) {
      if (i < j) {
        a[i * d + j] = 0.0;
        continue;
      }
      long double sum = a[i * d + j];
      for (std::size_t k = 0; k < j; ++k) {
        sum -= static_cast<long double>(a[i * d + k]) * a[j * d + k];
      }
      a[i * d + j] = static_cast<double>(i == j ? std::sqrt(sum) : sum / a[j * d + j]);
    }
  }
  return a;
}

std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b,
                            std::size_t n, std::size_t d, bool transpose_b) {
  std::vector<double> c(n * d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t k = 0; k < d; ++k) {
        c[i * d + j] += a[i * d + k] * (transpose_b ? b[j * d + k] : b[k * d + j]);
      }
    }
  }
  return c;
}

class CholeskyTest : public KernelTest {
 protected:
  bool factors(std::vector<double> a, std::size_t d) {
    auto memory = on_device(a);
    return cholesky(stream(), memory.matrix(d, d));
  }
};

TEST_F(CholeskyTest, TheFactorIsTheTextbooks) {
  for (const std::size_t d : kDimensions) {
    const std::vector<double> a = positive_definite(d);
    std::vector<double> lower = a;
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = i + 1; j < d; ++j) {
        lower[i * d + j] = std::numeric_limits<double>::quiet_NaN();  // must not be read
      }
    }
    auto memory = on_device(lower);
    ASSERT_TRUE(cholesky(stream(), memory.matrix(d, d)));
    expect_near(memory.host(), naive_factor(a, d), 1e-12);
  }
  EXPECT_TRUE(factors({}, 0));
}

TEST_F(CholeskyTest, WhatIsNotPositiveDefiniteIsRefused) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(factors({-1.0}, 1));
  EXPECT_FALSE(factors({0.0}, 1));
  EXPECT_FALSE(factors({1.0, 2.0, 2.0, 1.0}, 2));
  for (const std::size_t d : kDimensions) {
    for (const double bad : {kNan, kInfinity, -1.0}) {
      std::vector<double> a = positive_definite(d);
      a[(d - 1) * d + (d - 1)] = bad;
      EXPECT_FALSE(factors(a, d)) << bad << " at the end of " << d;
    }
    if (d > 1) {
      std::vector<double> a = positive_definite(d);
      a[(d - 1) * d] = kNan;
      EXPECT_FALSE(factors(a, d)) << "not a number in the corner of " << d;
    }
  }
}

TEST_F(CholeskyTest, TriangularSystemsAreSolvedForEveryRow) {
  for (const std::size_t d : kDimensions) {
    const std::vector<double> factor = naive_factor(positive_definite(d), d);
    auto l = on_device(factor);
    for (const std::size_t n : {0, 1, 3, 257}) {
      const std::vector<double> rhs = random_vector(n * d, 5);
      auto lower = on_device(rhs), upper = on_device(rhs), both = on_device(rhs);
      solve_triangular(stream(), Triangle::kLower, l.matrix(d, d), lower.matrix(n, d));
      solve_triangular(stream(), Triangle::kLowerTransposed, l.matrix(d, d), upper.matrix(n, d));
      solve_cholesky(stream(), l.matrix(d, d), both.matrix(n, d));
      expect_near(product(lower.host(), factor, n, d, true), rhs, 1e-11);
      expect_near(product(upper.host(), factor, n, d, false), rhs, 1e-11);
      expect_near(product(both.host(), positive_definite(d), n, d, true), rhs, 1e-11);
    }
  }
}

TEST_F(CholeskyTest, TheInverseTimesTheFactorIsTheIdentity) {
  for (const std::size_t d : kDimensions) {
    const std::vector<double> factor = naive_factor(positive_definite(d), d);
    auto l = on_device(factor), inverse = on_device(random_vector(d * d, 6));
    invert_triangular(stream(), l.matrix(d, d), inverse.matrix(d, d));
    const std::vector<double> actual = inverse.host();
    std::vector<double> identity(d * d);
    for (std::size_t i = 0; i < d; ++i) {
      identity[i * d + i] = 1.0;
      for (std::size_t j = i + 1; j < d; ++j) EXPECT_EQ(actual[i * d + j], 0.0);
    }
    expect_near(product(factor, actual, d, d, false), identity, 1e-12);
  }
}

TEST_F(CholeskyTest, TheDeterminantIsThatOfTheDiagonal) {
  for (const std::size_t d : kDimensions) {
    const std::vector<double> factor = naive_factor(positive_definite(d), d);
    long double expected = 0.0L;
    for (std::size_t i = 0; i < d; ++i) expected += 2.0L * std::log(factor[i * d + i]);
    EXPECT_NEAR(log_determinant(stream(), on_device(factor).matrix(d, d)),
                static_cast<double>(expected), 1e-12 * static_cast<double>(d));
  }
}

TEST_F(CholeskyTest, APackedTriangleBecomesASymmetricMatrix) {
  for (const std::size_t d : {0, 1, 2, 31, 33, 257}) {
    const std::vector<double> packed = random_vector(packed_size(d), 7);
    auto in = on_device(packed), out = zeros(d * d);
    unpack_symmetric(stream(), -2.0, in.span(), out.matrix(d, d));
    const std::vector<double> dense = out.host();
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        ASSERT_EQ(dense[i * d + j], -2.0 * packed[packed_index(std::max(i, j), std::min(i, j))]);
      }
    }
  }
}

TEST_F(CholeskyTest, ShapesThatDoNotFitAreErrors) {
  auto a = zeros(6), b = zeros(6);
  EXPECT_THROW(static_cast<void>(cholesky(stream(), a.matrix(2, 3))), Error);
  EXPECT_THROW(solve_cholesky(stream(), a.matrix(2, 2), b.matrix(2, 3)), Error);
  EXPECT_THROW(unpack_symmetric(stream(), 1.0, a.span(), b.matrix(2, 2)), Error);
}

}  // namespace
}  // namespace bayesum::test
