#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "distributed/self.hpp"
#include "kernels/error.hpp"
#include "tests/laws/digamma.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using oracle::digamma;
using oracle::Real;
using oracle::Vector;
using testing::Job;
using testing::Outcome;
using testing::Table;

// Message and ELBO of one document by coordinate ascent in gamma and phi, each phi kept, until
// nothing moves: the textbook's algorithm (Blei, Ng and Jordan 2003, figure 6).
struct Document {
  Document(const Vector& counts, const std::vector<Vector>& log_beta, Real alpha) {
    const std::size_t topics = log_beta.size(), words = counts.size();
    Real length = 0;
    for (const Real n : counts) length += n;
    Vector gamma(topics, alpha + length / static_cast<Real>(topics));
    const Real total = length + static_cast<Real>(topics) * alpha;
    phi.assign(words, Vector(topics));
    for (int step = 0; step < 20000; ++step) {
      for (std::size_t w = 0; w < words; ++w) {
        Real sum = 0;
        for (std::size_t k = 0; k < topics; ++k) {
          phi[w][k] = std::exp(digamma(gamma[k]) + log_beta[k][w]);
          sum += phi[w][k];
        }
        for (Real& x : phi[w]) x /= sum;
      }
      Real moved = 0;
      for (std::size_t k = 0; k < topics; ++k) {
        Real next = alpha;
        for (std::size_t w = 0; w < words; ++w) next += counts[w] * phi[w][k];
        moved = std::max(moved, std::abs(next - gamma[k]));
        gamma[k] = next;
      }
      if (moved < 1e-13L * total) break;
    }
    elbo = std::lgamma(alpha * topics) - topics * std::lgamma(alpha) - std::lgamma(total);
    for (std::size_t k = 0; k < topics; ++k) {
      const Real log_theta = digamma(gamma[k]) - digamma(total);
      elbo += std::lgamma(gamma[k]) + (alpha - gamma[k]) * log_theta;
      for (std::size_t w = 0; w < words; ++w) {
        if (counts[w] == 0) continue;
        elbo += counts[w] * phi[w][k] * (log_theta + log_beta[k][w] - std::log(phi[w][k]));
      }
    }
  }
  std::vector<Vector> phi;
  Real elbo = 0;
};

class LdaLaw : public ::testing::TestWithParam<const char*> {};

TEST_P(LdaLaw, MessageAndLossAreTheLocalStep) {
  const testing::TemporaryFolder folder;
  const ModelMember& member = model(GetParam());
  const Job job = member.job(folder);
  const Table table = testing::make_table(member.table);
  const auto self = make_self_communicator();
  testing::Setup setup(job, *self);
  const Posterior q = testing::train(job, *self).posterior;
  const std::size_t words = member.table.features;
  std::vector<Vector> log_beta;
  for (const Block& block : q.blocks()) {
    Real total = 0;
    for (const double x : q.natural(block)) total += x + 1.0L;
    log_beta.emplace_back();
    for (const double x : q.natural(block)) {
      log_beta.back().push_back(digamma(x + 1.0L) - digamma(total));
    }
  }
  Vector message(q.size());
  Real elbo = 0;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    Vector counts;
    for (std::size_t w = 0; w < words; ++w) {
      counts.push_back(table.at(i, setup.data.features()[w]));
    }
    const Real weight = table.has("weight") ? table.at(i, "weight") : 1.0;
    const Document document(counts, log_beta, job.prior.document_concentration);
    elbo += weight * document.elbo;
    for (std::size_t k = 0; k < log_beta.size(); ++k) {
      for (std::size_t w = 0; w < words; ++w) {
        message[k * words + w] += weight * counts[w] * document.phi[w][k];
      }
    }
  }
  const auto evidence = testing::evidence_at(setup, q);
  for (std::size_t j = 0; j < q.size(); ++j) {
    EXPECT_NEAR(evidence.natural[j], static_cast<double>(message[j]), 1e-8 * (1 + message[j]));
  }
  EXPECT_NEAR(evidence.loss, static_cast<double>(-elbo), 1e-12 * std::abs(evidence.loss));
}

INSTANTIATE_TEST_SUITE_P(Members, LdaLaw, ::testing::Values("lda", "lda_many_words"));

// Word j of the table is of topic j mod 3, which has nine tenths of it.
TEST(Lda, FindsPlantedTopics) {
  const testing::TemporaryFolder folder;
  const Table table = testing::make_table({.model = "lda", .rows = 300, .features = 30, .seed = 4});
  Job job = make_job(folder, "lda", table);
  job.model.topics = 3;
  job.trainer.stop = {.steps = 100, .residual = 1e-6};
  const Outcome outcome = testing::train(job, *make_self_communicator());
  std::vector<bool> found(3);
  for (const Block& block : outcome.posterior.blocks()) {
    const auto natural = outcome.posterior.natural(block);
    std::vector<double> share(3);
    double total = 0;
    for (std::size_t w = 0; w < natural.size(); ++w) {
      share[w % 3] += natural[w] + 1.0;
      total += natural[w] + 1.0;
    }
    const auto best = std::ranges::max_element(share) - share.begin();
    EXPECT_GT(share[static_cast<std::size_t>(best)] / total, 0.85) << block.name;
    found[static_cast<std::size_t>(best)] = true;
  }
  EXPECT_EQ(std::ranges::count(found, true), 3) << "two topics are one and the same";
}

}  // namespace
}  // namespace bayesum::laws
