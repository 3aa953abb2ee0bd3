#include "kernels/lda_pass.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/error.hpp"
#include "kernels/gamma.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace bayesum::test {
namespace {

using Real = long double;
using Matrix = std::vector<std::vector<Real>>;

Real slow_digamma(Real x) {
  Real sum = 0;
  for (; x < 200; x += 1) sum -= 1 / x;
  const Real r = 1 / (x * x);
  return sum + std::log(x) - 1 / (2 * x) - r * (1.0L / 12 - r * (1.0L / 120 - r / 252));
}

TEST(GammaFunctions, AreThoseOfExtendedPrecision) {
  for (Real x = 0.01L; x < 1e7L; x *= 1.07L) {
    const auto rounded = static_cast<double>(x);
    const auto psi = static_cast<double>(slow_digamma(rounded));
    const auto log_of = static_cast<double>(std::lgamma(Real(rounded)));
    EXPECT_NEAR(digamma(rounded), psi, 2e-15 * (1.0 + std::abs(psi))) << rounded;
    EXPECT_NEAR(log_gamma(rounded), log_of, 1e-14 * (1.0 + std::abs(log_of))) << rounded;
  }
}

// Documents, dense and sparse, with random topics.
struct Corpus {
  Corpus(std::size_t documents, std::size_t words, std::size_t topics, std::uint32_t seed)
      : word_topic(random_vector(words * topics, seed, 0.01, 1.0)),
        word_scale(random_vector(words, seed + 1, -9.0, 0.0)),
        weight(random_vector(documents, seed + 2, 0.0, 2.0)),
        cols(words),
        topic_count(topics) {
    const auto draw = random_vector(documents * words, seed + 3, -4.0, 4.0);
    for (std::size_t i = 0; i < documents; ++i) {
      for (std::size_t w = 0; w < words; ++w) {
        const double count = i == 1 ? 0.0 : std::floor(std::max(0.0, draw[i * words + w]));
        if (count == 0) continue;  // document 1 is empty
        column.push_back(static_cast<std::uint32_t>(w));
        value.push_back(count);
      }
      row_start.push_back(column.size());
    }
  }
  LdaPass pass() const {
    LdaPass pass;
    pass.documents = {row_start, column, value, cols};
    pass.word_topic = {word_topic.data(), cols, topic_count};
    pass.word_scale = word_scale;
    return pass;
  }

  std::vector<double> word_topic, word_scale, weight;
  std::size_t cols, topic_count;
  std::vector<std::size_t> row_start{0};
  std::vector<std::uint32_t> column;
  std::vector<double> value;
};

struct Result {
  std::vector<double> gamma, counts;
  double loss = 0;
};
Result run(LdaPass pass) {
  const std::size_t n = pass.documents.rows(), k = pass.word_topic.cols;
  Result result{std::vector<double>(n * k), std::vector<double>(pass.word_topic.rows * k)};
  pass.gamma = {result.gamma.data(), n, k};
  pass.counts = {result.counts.data(), pass.word_topic.rows, k};
  pass.loss = &result.loss;
  lda_pass(Stream(), pass);
  return result;
}

// The variational bound of one document at gamma and phi, term by term as in Blei, Ng and Jordan
// (2003), equation 15 without the topics' own terms; phi is what gamma wants.
struct Oracle {
  Oracle(const Corpus& corpus, std::size_t row, const double* gamma_, Real alpha)
      : topics(corpus.topic_count), gamma(gamma_, gamma_ + topics) {
    Real total = 0;
    for (const Real g : gamma) total += g;
    std::vector<Real> log_theta;
    for (const Real g : gamma) log_theta.push_back(slow_digamma(g) - slow_digamma(total));
    bound = std::lgamma(alpha * topics) - topics * std::lgamma(alpha) - std::lgamma(total);
    next.assign(topics, alpha);
    for (std::size_t k = 0; k < topics; ++k) {
      bound += std::lgamma(gamma[k]) + (alpha - gamma[k]) * log_theta[k];
    }
    for (std::size_t j = corpus.row_start[row]; j < corpus.row_start[row + 1]; ++j) {
      const std::size_t w = corpus.column[j];
      std::vector<Real> log_beta, phi;
      Real sum = 0;
      for (std::size_t k = 0; k < topics; ++k) {
        log_beta.push_back(std::log(Real(corpus.word_topic[w * topics + k])) +
                           corpus.word_scale[w]);
        phi.push_back(std::exp(log_theta[k] + log_beta[k]));
        sum += phi[k];
      }
      counts.emplace_back();
      for (std::size_t k = 0; k < topics; ++k) {
        phi[k] /= sum;
        next[k] += corpus.value[j] * phi[k];
        counts.back().push_back(corpus.value[j] * phi[k]);
        bound += corpus.value[j] * phi[k] * (log_theta[k] + log_beta[k] - std::log(phi[k]));
      }
    }
  }

  std::size_t topics;
  std::vector<Real> gamma, next;  // where the fixed-point iteration would go
  Matrix counts;                  // of each element
  Real bound = 0;
};

class LdaPassTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(LdaPassTest, IsTheFixedPointAndItsBound) {
  for (const double alpha : {0.5, 3.0}) {
    const Corpus corpus(41, 29, GetParam(), 7);
    LdaPass pass = corpus.pass();
    pass.weight = corpus.weight;
    pass.concentration = alpha;
    pass.tolerance = 1e-13;
    pass.steps = 20000;
    const Result result = run(pass);
    Real loss = 0;
    std::vector<Real> counts(result.counts.size());
    for (std::size_t i = 0; i < 41; ++i) {
      const Oracle oracle(corpus, i, result.gamma.data() + i * GetParam(), alpha);
      for (std::size_t k = 0; k < GetParam(); ++k) {
        EXPECT_NEAR(result.gamma[i * GetParam() + k], static_cast<double>(oracle.next[k]), 1e-9);
      }
      loss -= corpus.weight[i] * oracle.bound;
      for (std::size_t j = corpus.row_start[i]; j < corpus.row_start[i + 1]; ++j) {
        for (std::size_t k = 0; k < GetParam(); ++k) {
          counts[corpus.column[j] * GetParam() + k] +=
              corpus.weight[i] * oracle.counts[j - corpus.row_start[i]][k];
        }
      }
    }
    EXPECT_NEAR(result.loss, static_cast<double>(loss), 1e-12 * std::abs(result.loss));
    for (std::size_t j = 0; j < counts.size(); ++j) {
      EXPECT_NEAR(result.counts[j], static_cast<double>(counts[j]), 1e-12 * (1 + counts[j]));
    }
  }
}

// However few the steps, what is given is a bound; more of them never lower it.
TEST_P(LdaPassTest, EveryStepRaisesTheBound) {
  const Corpus corpus(41, 29, GetParam(), 11);
  LdaPass pass = corpus.pass();
  pass.concentration = 0.5;
  pass.tolerance = 0;
  double before = 0;
  for (const std::size_t steps : {0, 1, 2, 3, 5, 9, 20, 50, 200}) {
    pass.steps = steps;
    const Result result = run(pass);
    if (steps > 0) {
      EXPECT_LE(result.loss, before + 1e-12 * std::abs(before)) << steps << " steps";
    }
    before = result.loss;
  }
}

INSTANTIATE_TEST_SUITE_P(Topics, LdaPassTest, ::testing::Values(1, 2, 7, 8, 9, 33));

TEST(LdaPass, RefusesWhatDoesNotFit) {
  const Corpus corpus(5, 6, 3, 1);
  LdaPass pass = corpus.pass();
  pass.weight = std::span(corpus.weight).first(4);
  EXPECT_THROW(lda_pass(Stream(), pass), Error);
  pass = corpus.pass();
  pass.documents.cols = 7;
  EXPECT_THROW(lda_pass(Stream(), pass), Error);
}

}  // namespace
}  // namespace bayesum::test
