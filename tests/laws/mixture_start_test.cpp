#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/families/normal_wishart.hpp"
#include "distributed/self.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using testing::Job;
using testing::Outcome;
using testing::Table;

// Rows of Gaussian clusters of uneven size and shape, their means at least eight standard
// deviations apart, and which cluster each row is of.
struct Clusters {
  Clusters(std::size_t count, std::size_t columns, unsigned seed, std::size_t times)
      : random(seed) {
    for (std::size_t j = 0; j < columns; ++j) table.columns.push_back("x" + std::to_string(j + 1));
    while (means.size() < count) {
      std::vector<double> mean;
      for (std::size_t j = 0; j < columns; ++j) mean.push_back(uniform(-side(count), side(count)));
      if (is_apart(mean)) means.push_back(mean);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const auto rows = times * static_cast<std::size_t>(uniform(60, 180));
      std::vector<double> sds;
      for (std::size_t j = 0; j < columns; ++j) sds.push_back(uniform(0.4, 1.0));
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
          table.values.push_back(means[k][j] + sds[j] * normal(random));
        }
        of_row.push_back(k);
      }
    }
  }

  static double side(std::size_t count) { return 8.0 * std::sqrt(static_cast<double>(count)); }
  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  }
  bool is_apart(const std::vector<double>& mean) const {
    for (const auto& other : means) {
      double squared = 0;
      for (std::size_t j = 0; j < mean.size(); ++j) {
        squared += (mean[j] - other[j]) * (mean[j] - other[j]);
      }
      if (squared < 64.0) return false;
    }
    return true;
  }

  std::mt19937 random;
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> means;
  Table table;
  std::vector<std::size_t> of_row;
};

Job job_of(const testing::TemporaryFolder& folder, const Clusters& clusters) {
  Job job = make_job(folder, "gaussian-mixture", clusters.table);
  job.model.components = static_cast<std::int64_t>(clusters.means.size());
  job.trainer.stop = {.steps = 300, .residual = 1e-9};
  return job;
}

// prior + the message of rows whose components are known: those that made them.
Posterior posterior_of_truth(const testing::Setup& setup, const Clusters& clusters) {
  Posterior q = setup.posterior(setup.model->prior().natural);
  const Design& design = setup.data.design();
  const std::size_t d = design.features.size();
  for (std::size_t i = 0; i < clusters.of_row.size(); ++i) {
    q.natural()[clusters.of_row[i]] += 1.0;
    double* const own = &q.natural()[q.blocks()[1 + clusters.of_row[i]].first];
    std::vector<double> x;
    for (std::size_t j = 0; j < d; ++j) {
      x.push_back((clusters.table.values[i * d + j] - design.mean[j]) / design.sd[j]);
    }
    own[0] += 0.5, own[1] -= 0.5;
    for (std::size_t a = 0; a < d; ++a) {
      own[2 + a] += x[a];
      for (std::size_t b = 0; b <= a; ++b) {
        own[2 + d + packed_index(a, b)] -= (a == b ? 0.5 : 1.0) * x[a] * x[b];
      }
    }
  }
  return q;
}

// ELBOs that the first seeds lead to, less that to which the true components lead, relatively.
std::vector<double> gaps(const Clusters& clusters, std::uint64_t seeds) {
  const testing::TemporaryFolder folder;
  const auto self = make_self_communicator();
  Job job = job_of(folder, clusters);
  testing::Setup setup(job, *self);
  const auto truth = testing::start_at(posterior_of_truth(setup, clusters));
  const double best = testing::train(job, *self, &truth).result.last.elbo;
  std::vector<double> gaps;
  for (job.seed = 1; job.seed <= seeds; ++job.seed) {
    job.trainer.seed = job.seed;
    gaps.push_back((testing::train(job, *self).result.last.elbo - best) / std::abs(best));
  }
  return gaps;
}

TEST(MixtureStart, LeadsToTheBestOptimumOfSeparatedClusters) {
  using Shape = std::pair<std::size_t, std::size_t>;  // clusters, columns
  for (const auto& [count, columns] : {Shape{3, 2}, {4, 3}, {5, 2}, {6, 5}, {8, 2}, {8, 10}}) {
    for (unsigned data = 1; data <= 2; ++data) {
      for (const double gap : gaps(Clusters(count, columns, data, 1), 6)) {
        EXPECT_GT(gap, -1e-6) << count << " clusters of " << columns << " columns, data " << data;
      }
    }
  }
}

// More rows than the search looks at.
TEST(MixtureStart, NeedsNoMoreThanASample) {
  const Clusters clusters(5, 3, 7, 20);
  const testing::TemporaryFolder folder;
  testing::Setup setup(job_of(folder, clusters), *make_self_communicator());
  ASSERT_GT(clusters.of_row.size(), 2 * setup.model->rows_to_start_from());
  for (const double gap : gaps(clusters, 3)) EXPECT_GT(gap, -1e-6);
}

// A posterior that is only started, of every number of ranks.
TEST(MixtureStart, IsTheSameForAnyNumberOfRanks) {
  const Clusters clusters(4, 2, 3, 10);
  const testing::TemporaryFolder folder;
  Job job = job_of(folder, clusters);
  job.data.block_rows = 100;
  job.trainer.stop.steps = 0;
  const auto alone = testing::train(job, *make_self_communicator()).natural();
  for (const int ranks : {2, 3, 5}) {
    EXPECT_EQ(testing::train_on_threads(job, ranks).natural(), alone) << ranks << " ranks";
  }
  job.seed = job.trainer.seed = 2;
  EXPECT_NE(testing::train(job, *make_self_communicator()).natural(), alone);
}

}  // namespace
}  // namespace bayesum::laws
