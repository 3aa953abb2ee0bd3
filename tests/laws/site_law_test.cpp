#include <gtest/gtest.h>

#include <numeric>
#include <optional>

#include "core/data/row_filter.hpp"
#include "core/sites.hpp"
#include "distributed/self.hpp"
#include "distributed/thread.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

using testing::Job;

class SiteLaw : public ::testing::TestWithParam<ModelMember> {
 protected:
  void SetUp() override {
    job = GetParam().job(folder);
    job.trainer.rule = {};
    job.trainer.stop = {.steps = 500, .residual = 1e-12};
    optimum = testing::train(job, *self);
  }

  Sites sites_on(Communicator& communicator) const {
    testing::Setup setup(job, communicator);
    return gather_sites({setup.stream, communicator, setup.data, *setup.model}, optimum.posterior,
                        setup.summary, "");
  }

  testing::TemporaryFolder folder;
  std::unique_ptr<Communicator> self = make_self_communicator();
  Job job;
  testing::Outcome optimum;
};

TEST_P(SiteLaw, TheySumToPosteriorLessPrior) {
  const Sites sites = sites_on(*self);
  ASSERT_EQ(sites.sites.size(), 8U);
  double rows = 0, loss = 0, largest = 0;
  std::vector<double> sum = optimum.prior.natural;
  for (const Site& site : sites.sites) {
    rows += site.rows;
    loss += site.loss;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += site.natural[i];
  }
  for (const double x : optimum.natural()) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < sum.size(); ++i) {
    EXPECT_NEAR(sum[i], optimum.posterior.natural()[i], 1e-11 * largest) << "element " << i;
  }
  EXPECT_EQ(rows, static_cast<double>(optimum.summary.rows));
  EXPECT_NEAR(loss, optimum.result.last.loss, 1e-12 * std::abs(loss));
  EXPECT_EQ(sites.posterior, hash_of_natural(optimum.posterior));
}

TEST_P(SiteLaw, EachIsTheMessageOfItsShard) {
  const Sites sites = sites_on(*self);
  testing::Setup setup(job, *self);
  for (std::size_t k = 0; k < sites.sites.size(); ++k) {
    const Message message = testing::shard_message(setup, optimum.posterior, k);
    std::vector<double> natural(message.payload().begin(), message.payload().end());
    if (setup.model->chart() == Chart::kCentred) {
      optimum.posterior.natural_from_centred(std::vector(natural), natural);
    }
    EXPECT_EQ(sites.sites[k].natural, natural) << "shard " << k;
    EXPECT_EQ(sites.sites[k].name, std::to_string(k));
    EXPECT_EQ(sites.sites[k].fingerprint, setup.summary.shards[k]);
  }
}

TEST_P(SiteLaw, RanksDoNotMatter) {
  const TensorFile alone = sites_on(*self).to_file();
  for (const int ranks : {2, 3, 11}) {
    std::optional<TensorFile> together;
    run_on_threads(ranks, [&](Communicator& communicator) {
      const Sites sites = sites_on(communicator);
      if (communicator.rank() == 0) together = sites.to_file();
    });
    EXPECT_EQ(together->metadata, alone.metadata);
    for (const auto& [name, tensor] : alone.tensors) {
      EXPECT_EQ(together->tensor(name).values, tensor.values) << name << " on " << ranks;
    }
  }
}

// All rows of the table as one batch, with a group for each.
struct Rows {
  std::vector<double> x, y, offset, weight, group;
  std::size_t columns = 0;

  Batch batch() const {
    return {.x = {x.data(), group.size(), columns},
            .y = y,
            .offset = offset,
            .weight = weight,
            .group = group};
  }
};

Rows all_rows(testing::Setup& setup) {
  Rows rows;
  rows.columns = setup.data.design().columns();
  const auto append = [](std::vector<double>& to, std::span<const double> from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (std::size_t shard = 0; shard < setup.data.virtual_shards(); ++shard) {
    setup.data.visit(setup.stream, shard, [&](const Batch& batch) {
      append(rows.x, {batch.x.data, batch.rows() * rows.columns});
      append(rows.y, batch.y);
      append(rows.offset, batch.offset);
      append(rows.weight, batch.weight);
    });
  }
  const std::size_t count = rows.x.size() / rows.columns;
  for (std::size_t i = 0; i < count; ++i) {
    rows.group.push_back(static_cast<double>((i * i + i / 7) % 3));
  }
  return rows;
}

// The rows of one group, picked by hand.
Rows of_group(const Rows& all, double group) {
  Rows some;
  some.columns = all.columns;
  const auto pick = [](std::vector<double>& to, const std::vector<double>& from, std::size_t i) {
    if (!from.empty()) to.push_back(from[i]);
  };
  for (std::size_t i = 0; i < all.group.size(); ++i) {
    if (all.group[i] != group) continue;
    for (std::size_t j = 0; j < all.columns; ++j) some.x.push_back(all.x[i * all.columns + j]);
    pick(some.y, all.y, i);
    pick(some.offset, all.offset, i);
    pick(some.weight, all.weight, i);
    some.group.push_back(group);
  }
  return some;
}

TEST_P(SiteLaw, ARowThatIsFilteredOutTeachesNothing) {
  testing::Setup setup(job, *self);
  const Rows all = all_rows(setup);
  setup.model->prepare(setup.stream, optimum.posterior);
  for (std::size_t group = 0; group < 3; ++group) {
    std::vector<bool> keep(3);
    keep[group] = true;
    RowFilter filter(setup.stream, keep);
    const auto kept = filter.apply(setup.stream, all.batch());
    const Rows picked = of_group(all, static_cast<double>(group));
    ASSERT_GT(picked.group.size(), 5U);
    EXPECT_EQ(kept.rows, static_cast<double>(picked.group.size()));
    Message filtered(optimum.posterior.size(), Device{}),
        direct(optimum.posterior.size(), Device{});
    setup.model->accumulate(setup.stream, kept.batch, filtered);
    setup.model->accumulate(setup.stream, picked.batch(), direct);
    double largest = 0;
    for (const double x : direct.payload()) largest = std::max(largest, std::abs(x));
    for (std::size_t i = 0; i < filtered.payload().size(); ++i) {
      EXPECT_NEAR(filtered.payload()[i], direct.payload()[i], 1e-13 * largest);
    }
    EXPECT_NEAR(*filtered.loss(), *direct.loss(), 1e-13 * std::abs(*direct.loss()));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SiteLaw, ::testing::ValuesIn(models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum::laws
