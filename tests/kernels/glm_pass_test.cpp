#include "kernels/glm_pass.hpp"

#include <cmath>
#include <limits>

#include "kernels/error.hpp"
#include "tests/kernels/glm_oracle.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

enum class Spread { kDelta, kDiagonal, kFull };

// A small problem on the host, and its sums by plain loops.
struct Problem {
  std::size_t n, d;
  Likelihood likelihood;
  Spread spread;
  std::vector<double> x, y, offset, weight, mean, variance, inverse_factor;

  Problem(std::size_t rows, std::size_t cols, Likelihood of, Spread with)
      : n(rows), d(cols), likelihood(of), spread(with) {
    const double scale = 1.5 / std::sqrt(static_cast<double>(d) + 1.0);
    x = random_vector(n * d, 1, -2.0, 2.0);
    offset = random_vector(n, 2);
    weight = random_vector(n, 3, 0.0, 2.0);
    mean = random_vector(d, 4, -scale, scale);
    variance = random_vector(d, 5, 0.0, scale * scale);
    inverse_factor = random_vector(d * d, 6, -scale * scale, scale * scale);
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t j = i + 1; j < d; ++j) inverse_factor[i * d + j] = 0.0;
    }
    for (const double u : random_vector(n, 7, 0.0, 1.0)) {
      y.push_back(is_binary() ? std::floor(2.0 * u) : std::floor(30.0 * u * u));
    }
  }

  bool is_binary() const {
    return likelihood == Likelihood::kLogistic || likelihood == Likelihood::kProbit;
  }

  double mean_z(std::size_t row) const {
    double z = offset[row];
    for (std::size_t j = 0; j < d; ++j) z += x[row * d + j] * mean[j];
    return z;
  }

  double variance_z(std::size_t row) const {
    const double* const xi = x.data() + row * d;
    double sum = 0.0;
    if (spread == Spread::kDiagonal) {
      for (std::size_t j = 0; j < d; ++j) sum += variance[j] * xi[j] * xi[j];
    } else if (spread == Spread::kFull) {
      for (std::size_t i = 0; i < d; ++i) {
        double mapped = 0.0;
        for (std::size_t j = 0; j <= i; ++j) mapped += inverse_factor[i * d + j] * xi[j];
        sum += mapped * mapped;
      }
    }
    return sum;
  }

  GlmExpectation expectation(std::size_t row) const {
    return expectation_oracle(likelihood, y[row], mean_z(row), variance_z(row));
  }
};

struct Sums {
  std::vector<double> loss, gradient, diagonal, packed;

  explicit Sums(std::size_t d)
      : loss(random_vector(1, 20)),
        gradient(random_vector(d, 21)),
        diagonal(random_vector(d, 22)),
        packed(random_vector(packed_size(d), 23)) {}

  // Each sum starts from something, since a pass adds.
  void add(const Problem& problem) {
    const std::size_t d = problem.d;
    for (std::size_t row = 0; row < problem.n; ++row) {
      const GlmExpectation e = problem.expectation(row);
      const double w = problem.weight[row];
      const double* const x = problem.x.data() + row * d;
      loss[0] += w * e.loss;
      for (std::size_t i = 0; i < d; ++i) {
        gradient[i] += w * e.gradient * x[i];
        diagonal[i] += w * e.curvature * x[i] * x[i];
        for (std::size_t j = 0; j <= i; ++j) {
          packed[packed_index(i, j)] += w * e.curvature * x[i] * x[j];
        }
      }
    }
  }
};

class GlmPassTest : public KernelTest {
 protected:
  // A quadrature error of 1e-6 a row is allowed where there is spread, rounding alone elsewhere.
  void check(const Problem& problem) {
    const std::size_t n = problem.n, d = problem.d;
    auto x = on_device(problem.x), y = on_device(problem.y), offset = on_device(problem.offset),
         weight = on_device(problem.weight), mean = on_device(problem.mean),
         variance = on_device(problem.variance), factor = on_device(problem.inverse_factor);
    Sums expected(d);
    auto loss = on_device(expected.loss), gradient = on_device(expected.gradient),
         diagonal = on_device(expected.diagonal), packed = on_device(expected.packed);
    expected.add(problem);
    GlmPass pass{.likelihood = problem.likelihood,
                 .dispersion = NegativeBinomialOracle::kDispersion,
                 .x = x.matrix(n, d),
                 .y = y.span(),
                 .offset = offset.span(),
                 .weight = weight.span(),
                 .mean = mean.span(),
                 .loss = loss.data(),
                 .gradient = gradient.span(),
                 .curvature = packed.span()};
    if (problem.spread == Spread::kDiagonal) pass.variance = variance.span();
    if (problem.spread == Spread::kFull) pass.inverse_factor = factor.matrix(d, d);
    glm_pass(stream(), pass);
    pass.loss = nullptr;
    pass.gradient = {};
    pass.curvature = diagonal.span();
    glm_pass(stream(), pass);

    const bool exact =
        problem.spread == Spread::kDelta || problem.likelihood == Likelihood::kPoisson;
    // The errors of a negative binomial row are y + r times those of a logistic one.
    const double scale = problem.likelihood == Likelihood::kNegativeBinomial ? 10.0 : 1.0;
    const double tolerance = scale * (exact ? 1e-13 : 1e-7) * (1.0 + static_cast<double>(n));
    expect_near(loss.host(), expected.loss, tolerance);
    expect_near(gradient.host(), expected.gradient, tolerance);
    expect_near(packed.host(), expected.packed, tolerance);
    expect_near(diagonal.host(), expected.diagonal, tolerance);
  }

  void check_predictor(const Problem& problem) {
    const std::size_t n = problem.n, d = problem.d;
    auto x = on_device(problem.x), offset = on_device(problem.offset),
         mean = on_device(problem.mean), variance = on_device(problem.variance),
         factor = on_device(problem.inverse_factor), z = zeros(n), v = on_device(problem.y);
    GlmPass pass{.x = x.matrix(n, d), .offset = offset.span(), .mean = mean.span()};
    if (problem.spread == Spread::kDiagonal) pass.variance = variance.span();
    if (problem.spread == Spread::kFull) pass.inverse_factor = factor.matrix(d, d);
    linear_predictor(stream(), pass, z.span(), v.span());
    std::vector<double> expected_z, expected_v;
    for (std::size_t row = 0; row < n; ++row) {
      expected_z.push_back(problem.mean_z(row));
      expected_v.push_back(problem.variance_z(row));
    }
    expect_near(z.host(), expected_z, 1e-12);
    expect_near(v.host(), expected_v, 1e-12);
  }
};

TEST_F(GlmPassTest, SumsMatchPlainLoops) {
  for (const Likelihood likelihood : {Likelihood::kLogistic, Likelihood::kProbit,
                                      Likelihood::kPoisson, Likelihood::kNegativeBinomial}) {
    for (const Spread spread : {Spread::kDelta, Spread::kDiagonal, Spread::kFull}) {
      for (const std::size_t n : kAwkwardSizes) {
        check(Problem(n, 7, likelihood, spread));
        check_predictor(Problem(n, 33, likelihood, spread));
      }
      for (const std::size_t d : {0, 1, 2, 31, 33, 100, 300}) {
        check(Problem(257, d, likelihood, spread));
      }
    }
  }
}

TEST_F(GlmPassTest, OffsetAndWeightMayBeLeftOut) {
  constexpr std::size_t kRows = 300, kCols = 5;
  const Problem problem(kRows, kCols, Likelihood::kLogistic, Spread::kDelta);
  auto x = on_device(problem.x), y = on_device(problem.y), mean = on_device(problem.mean),
       none = zeros(kRows), ones = on_device(std::vector<double>(kRows, 1.0));
  auto loss = zeros(2), gradient = zeros(2 * kCols);
  GlmPass pass{.x = x.matrix(kRows, kCols),
               .y = y.span(),
               .mean = mean.span(),
               .loss = loss.data(),
               .gradient = gradient.span().first(kCols)};
  glm_pass(stream(), pass);
  pass.offset = none.span();
  pass.weight = ones.span();
  pass.loss = loss.data() + 1;
  pass.gradient = gradient.span().last(kCols);
  glm_pass(stream(), pass);
  const std::vector<double> losses = loss.host(), gradients = gradient.host();
  EXPECT_GT(losses[0], 0.0);
  EXPECT_EQ(losses[0], losses[1]);
  for (std::size_t j = 0; j < kCols; ++j) EXPECT_EQ(gradients[j], gradients[kCols + j]);
}

TEST_F(GlmPassTest, AnAbsurdPoissonPosteriorIsSeenInTheLoss) {
  auto x = on_device({1.0, 1.0}), y = on_device({1.0, 2.0}), mean = on_device({1000.0}),
       loss = zeros(1), gradient = zeros(1), curvature = zeros(1);
  glm_pass(stream(), {.likelihood = Likelihood::kPoisson,
                      .x = x.matrix(2, 1),
                      .y = y.span(),
                      .mean = mean.span(),
                      .loss = loss.data(),
                      .gradient = gradient.span(),
                      .curvature = curvature.span()});
  EXPECT_EQ(loss.host()[0], std::numeric_limits<double>::infinity());
  EXPECT_EQ(gradient.host()[0], std::numeric_limits<double>::infinity());
}

TEST_F(GlmPassTest, SizesThatDoNotFitAreErrors) {
  auto x = zeros(12), y = zeros(4), mean = zeros(3), loss = zeros(1), factor = zeros(9);
  const GlmPass good{.x = x.matrix(4, 3), .y = y.span(), .mean = mean.span(), .loss = loss.data()};
  EXPECT_NO_THROW(glm_pass(stream(), good));
  GlmPass bad = good;
  bad.y = y.span().first(3);
  EXPECT_THROW(glm_pass(stream(), bad), Error);
  bad = good;
  bad.mean = y.span();
  EXPECT_THROW(glm_pass(stream(), bad), Error);
  bad = good;
  bad.curvature = y.span();
  EXPECT_THROW(glm_pass(stream(), bad), Error);
  bad = good;
  bad.variance = mean.span();
  bad.inverse_factor = factor.matrix(3, 3);
  EXPECT_THROW(glm_pass(stream(), bad), Error);
}

}  // namespace
}  // namespace bayesum::test
