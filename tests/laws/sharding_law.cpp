#include "tests/laws/sharding_law.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "distributed/self.hpp"
#include "kernels/error.hpp"

namespace bayesum::laws {
namespace {

using testing::Job;
using testing::Outcome;

// Everything that was reported but the time.
void expect_same_reports(const Outcome& a, const Outcome& b) {
  ASSERT_EQ(a.reports.size(), b.reports.size());
  for (std::size_t t = 0; t < a.reports.size(); ++t) {
    EXPECT_EQ(a.reports[t].elbo, b.reports[t].elbo) << "step " << t;
    EXPECT_EQ(a.reports[t].residual, b.reports[t].residual) << "step " << t;
    EXPECT_EQ(a.reports[t].rows, b.reports[t].rows) << "step " << t;
    EXPECT_EQ(a.reports[t].estimate, b.reports[t].estimate) << "step " << t;
    EXPECT_EQ(a.reports[t].rho, b.reports[t].rho) << "step " << t;
    EXPECT_EQ(a.reports[t].backtracks, b.reports[t].backtracks) << "step " << t;
  }
}

double largest_error(const std::vector<double>& a, const std::vector<double>& b) {
  double error = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error = std::max(error, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return error / largest;
}

void expect_bitwise(Job job, const std::string& kind, Communicator& communicator,
                    const Outcome& alone) {
  job.trainer.coordinator = {.kind = kind, .deterministic = true};
  const Outcome together = testing::train(job, communicator);
  EXPECT_EQ(together.natural(), alone.natural()) << kind;
  EXPECT_EQ(together.summary.fingerprint, alone.summary.fingerprint);
  EXPECT_EQ(together.summary.mean, alone.summary.mean);
  EXPECT_EQ(together.summary.sd, alone.summary.sd);
  expect_same_reports(together, alone);
}

void expect_close(Job job, const std::string& kind, Communicator& communicator,
                  const Outcome& alone) {
  job.trainer.coordinator = {.kind = kind, .deterministic = false};
  const Outcome together = testing::train(job, communicator);
  const double error = largest_error(together.natural(), alone.natural());
  EXPECT_LE(error, kFastTolerance) << kind << ", fast";
  ::testing::Test::RecordProperty("fast_" + kind, std::to_string(error * 1e15) + "e-15");
}

}  // namespace

bool can_be_cut(const Posterior& q, int ranks) {
  std::size_t units = 0;
  for (const Block& block : q.blocks()) units += block.family->size() / block.family->unit();
  return units >= static_cast<std::size_t>(ranks) ||
         std::ranges::all_of(q.blocks(), [](const Block& block) {
           return block.family->unit() < block.family->size();
         });
}

void sharding_does_not_matter(const ModelMember& member, Communicator& communicator) {
  const testing::TemporaryFolder folder;
  const auto self = make_self_communicator();
  Job job = member.job(folder);
  for (const std::int64_t shards : {8, 5}) {  // 5: more ranks than shards
    job.data.virtual_shards = shards;
    if (job.data.shards_per_step > 0) job.data.shards_per_step = shards == 8 ? 2 : 1;
    const Outcome alone = testing::train(job, *self);
    for (const std::string kind : {"replicated", "root", "sharded"}) {
      if (kind == "sharded" && !can_be_cut(alone.posterior, communicator.size())) {
        job.trainer.coordinator = {.kind = kind, .deterministic = true};
        EXPECT_THROW(testing::train(job, communicator), Error);
        continue;
      }
      expect_bitwise(job, kind, communicator, alone);
      expect_close(job, kind, communicator, alone);
    }
  }
}

}  // namespace bayesum::laws
