#include "kernels/softmax_pass.hpp"

#include <cmath>

#include "kernels/error.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

// A small problem on the host, and its sums by plain loops.
struct Problem {
  std::size_t n, d, classes, count;  // rows, columns, classes, draws
  std::vector<double> x, y, weight, draws;

  Problem(std::size_t rows, std::size_t cols, std::size_t of, std::size_t with)
      : n(rows),
        d(cols),
        classes(of),
        count(with),
        x(random_vector(n * d, 1, -2.0, 2.0)),
        weight(random_vector(n, 2, 0.0, 2.0)),
        draws(random_vector(count * dimension(), 3, -1.5, 1.5)) {
    for (const double u : random_vector(n, 4, 0.0, 1.0)) {
      y.push_back(std::floor(u * static_cast<double>(classes)));
    }
  }

  std::size_t dimension() const { return (classes - 1) * d; }

  // Of row i under draw s, the first class too.
  std::vector<double> probabilities(std::size_t i, std::size_t s) const {
    std::vector<double> p = {1.0};
    for (std::size_t c = 0; c + 1 < classes; ++c) {
      double z = 0.0;
      for (std::size_t j = 0; j < d; ++j)
        z += x[i * d + j] * draws[(s * (classes - 1) + c) * d + j];
      p.push_back(std::exp(z));
    }
    double sum = 0.0;
    for (const double e : p) sum += e;
    for (double& e : p) e /= sum;
    return p;
  }
};

struct Sums {
  double loss = 0.0;
  std::vector<double> gradient, diagonal, packed;

  explicit Sums(std::size_t dimension)
      : gradient(random_vector(dimension, 21)),
        diagonal(random_vector(dimension, 22)),
        packed(random_vector(packed_size(dimension), 23)) {}

  void add(const Problem& problem) {
    for (std::size_t i = 0; i < problem.n; ++i) {
      for (std::size_t s = 0; s < problem.count; ++s) add(problem, i, s);
    }
  }

  void add(const Problem& problem, std::size_t i, std::size_t s) {
    const std::size_t d = problem.d, dimension = problem.dimension();
    const double scale = problem.weight[i] / static_cast<double>(problem.count);
    const std::vector<double> p = problem.probabilities(i, s);
    const double* const x = problem.x.data() + i * d;
    loss -= scale * std::log(p[static_cast<std::size_t>(problem.y[i])]);
    for (std::size_t r = 0; r < dimension; ++r) {
      const std::size_t a = r / d + 1;
      const double own = problem.y[i] == static_cast<double>(a) ? 1.0 : 0.0;
      gradient[r] += scale * (p[a] - own) * x[r % d];
      diagonal[r] += scale * p[a] * (1.0 - p[a]) * x[r % d] * x[r % d];
      for (std::size_t q = 0; q <= r; ++q) {
        const std::size_t b = q / d + 1;
        const double weight = (a == b ? p[a] : 0.0) - p[a] * p[b];
        packed[packed_index(r, q)] += scale * weight * x[r % d] * x[q % d];
      }
    }
  }
};

class SoftmaxPassTest : public KernelTest {
 protected:
  void check(const Problem& problem) {
    const std::size_t dimension = problem.dimension();
    auto x = on_device(problem.x), y = on_device(problem.y), weight = on_device(problem.weight),
         draws = on_device(problem.draws);
    Sums expected(dimension);
    auto gradient = on_device(expected.gradient), diagonal = on_device(expected.diagonal),
         packed = on_device(expected.packed);
    expected.add(problem);
    SoftmaxPass pass{.x = x.matrix(problem.n, problem.d),
                     .y = y.span(),
                     .weight = weight.span(),
                     .classes = problem.classes,
                     .draws = draws.matrix(problem.count, dimension),
                     .gradient = gradient.span(),
                     .curvature = packed.span()};
    const double tolerance = 1e-13 * (1.0 + static_cast<double>(problem.n));
    EXPECT_NEAR(softmax_pass(stream(), pass, memory_), expected.loss,
                tolerance * (1.0 + expected.loss));
    pass.gradient = {};
    pass.curvature = diagonal.span();
    EXPECT_NEAR(softmax_pass(stream(), pass, memory_), expected.loss,
                tolerance * (1.0 + expected.loss));
    expect_near(gradient.host(), expected.gradient, tolerance);
    expect_near(packed.host(), expected.packed, tolerance);
    expect_near(diagonal.host(), expected.diagonal, tolerance);
  }

  SoftmaxMemory memory_;  // of all passes, larger and smaller ones
};

TEST_F(SoftmaxPassTest, SumsMatchPlainLoops) {
  for (const std::size_t n : kAwkwardSizes) check(Problem(n, 3, 3, 4));
  for (const std::size_t d : {1, 2, 5, 31, 40}) check(Problem(70, d, 4, 2));
  for (const std::size_t classes : {2, 3, 7, 12}) check(Problem(50, 4, classes, 1));
  check(Problem(3000, 2, 5, 128));  // several blocks of rows
}

TEST_F(SoftmaxPassTest, WeightsMayBeLeftOutAndLogitsMayBeFar) {
  auto x = on_device({1.0, -1.0}), y = on_device({1.0, 0.0}), draws = on_device({800.0, 0.0});
  const SoftmaxPass pass{
      .x = x.matrix(2, 1), .y = y.span(), .classes = 3, .draws = draws.matrix(1, 2)};
  // Row 0 is of class 1 by far; row 1 has logits 0, -800, 0.
  EXPECT_NEAR(softmax_pass(stream(), pass, memory_), std::log(2.0), 1e-14);
}

TEST_F(SoftmaxPassTest, AClassThatIsNoneIsSeenInTheLoss) {
  auto x = on_device({1.0}), y = on_device({3.0}), draws = on_device({0.5, 0.5});
  const SoftmaxPass pass{
      .x = x.matrix(1, 1), .y = y.span(), .classes = 3, .draws = draws.matrix(1, 2)};
  EXPECT_TRUE(std::isnan(softmax_pass(stream(), pass, memory_)));
}

TEST_F(SoftmaxPassTest, SizesThatDoNotFitAreErrors) {
  auto x = zeros(12), y = zeros(4), draws = zeros(12);
  const SoftmaxPass good{
      .x = x.matrix(4, 3), .y = y.span(), .classes = 3, .draws = draws.matrix(2, 6)};
  EXPECT_NO_THROW((void)softmax_pass(stream(), good, memory_));
  SoftmaxPass bad = good;
  bad.classes = 4;
  EXPECT_THROW((void)softmax_pass(stream(), bad, memory_), Error);
  bad = good;
  bad.y = y.span().first(3);
  EXPECT_THROW((void)softmax_pass(stream(), bad, memory_), Error);
  bad = good;
  bad.curvature = y.span();
  EXPECT_THROW((void)softmax_pass(stream(), bad, memory_), Error);
}

}  // namespace
}  // namespace bayesum::test
