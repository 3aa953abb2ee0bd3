#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>
#include <span>

#include "distributed/self.hpp"
#include "tests/laws/models.hpp"

namespace bayesum::laws {
namespace {

const Stream kHost;

std::vector<double> values(const Message& message) {
  return {message.wire().begin(), message.wire().end()};
}

Message sum_of(std::span<const Message> messages) {
  Message sum(messages.front().payload().size(), Device{});
  for (const Message& message : messages) sum.add(kHost, message);
  return sum;
}

Message copy_of(const Message& message) { return sum_of({&message, 1}); }

// The sum of magnitudes: what the rounding of each element is relative to.
std::vector<double> magnitude_of(const std::vector<Message>& messages) {
  std::vector<double> magnitude(messages.front().wire().size());
  for (const Message& message : messages) {
    for (std::size_t i = 0; i < magnitude.size(); ++i) magnitude[i] += std::abs(message.wire()[i]);
  }
  return magnitude;
}

void expect_equal_to_rounding(const Message& a, const Message& b,
                              const std::vector<double>& magnitude) {
  for (std::size_t i = 0; i < magnitude.size(); ++i) {
    EXPECT_NEAR(a.wire()[i], b.wire()[i], 1e-13 * magnitude[i]) << "element " << i;
  }
}

// The messages of a model's shards, at a posterior where training has been for two steps.
class MessageLaw : public ::testing::TestWithParam<ModelMember> {
 protected:
  void SetUp() override {
    job = GetParam().job(folder);
    job.trainer.stop.steps = 2;
    q = testing::train(job, *self).posterior;
    messages = of_shards(8);
  }

  std::vector<Message> of_shards(std::int64_t shards) {
    job.data.virtual_shards = shards;
    testing::Setup setup(job, *self);
    std::vector<Message> found;
    for (std::size_t shard = 0; shard < setup.data.virtual_shards(); ++shard) {
      found.push_back(testing::shard_message(setup, q, shard));
    }
    return found;
  }

  testing::TemporaryFolder folder;
  std::unique_ptr<Communicator> self = make_self_communicator();
  testing::Job job;
  Posterior q;
  std::vector<Message> messages;
};

TEST_P(MessageLaw, OrderDoesNotMatter) {
  const Message sum = sum_of(messages);
  const std::vector<double> magnitude = magnitude_of(messages);
  std::mt19937_64 random(1);
  for (int repetition = 0; repetition < 5; ++repetition) {
    std::shuffle(messages.begin(), messages.end(), random);
    expect_equal_to_rounding(sum_of(messages), sum, magnitude);
  }
}

TEST_P(MessageLaw, GroupingDoesNotMatter) {
  const Message sum = sum_of(messages);
  Message left = sum_of(std::span(messages).first(3));
  left.add(kHost, sum_of(std::span(messages).subspan(3)));
  expect_equal_to_rounding(left, sum, magnitude_of(messages));
}

TEST_P(MessageLaw, UnequalAndEmptyShardsDoNotMatter) {
  const Message sum = sum_of(messages);
  const std::vector<double> magnitude = magnitude_of(messages);
  bool some_empty = false;
  for (const std::int64_t shards : {1, 3, 50, 1000}) {
    const std::vector<Message> others = of_shards(shards);
    expect_equal_to_rounding(sum_of(others), sum, magnitude);
    for (const Message& other : others) {
      if (other.wire()[other.payload().size() + Message::kRows] > 0) continue;
      some_empty = true;
      EXPECT_EQ(values(other), std::vector<double>(other.wire().size())) << "the group's zero";
    }
  }
  EXPECT_TRUE(some_empty);
}

TEST_P(MessageLaw, AddThenSubtractIsIdentity) {
  Message sum = sum_of(messages);
  const Message before = copy_of(sum);
  sum.add(kHost, messages[2]);
  sum.subtract(kHost, messages[2]);
  expect_equal_to_rounding(sum, before, magnitude_of(messages));
}

TEST_P(MessageLaw, SubtractingAShardLeavesTheOthers) {
  Message rest = sum_of(messages);
  const std::vector<double> magnitude = magnitude_of(messages);
  rest.subtract(kHost, messages[5]);
  messages.erase(messages.begin() + 5);
  expect_equal_to_rounding(rest, sum_of(messages), magnitude);
}

TEST_P(MessageLaw, ScalesLikeRepeatedAddition) {
  const Message sum = sum_of(messages);
  Message doubled = copy_of(sum);
  doubled.scale(kHost, 2.0);
  Message twice = copy_of(sum);
  twice.add(kHost, sum);
  EXPECT_EQ(values(doubled), values(twice));
  Message nothing = copy_of(sum);
  Message opposite = copy_of(sum);
  opposite.scale(kHost, -1.0);
  nothing.add(kHost, opposite);
  EXPECT_EQ(values(nothing), std::vector<double>(sum.wire().size()));
}

TEST_P(MessageLaw, CarriesItsCounts) {
  const Message sum = sum_of(messages);
  const auto counts = sum.wire().subspan(sum.payload().size());
  EXPECT_EQ(counts[Message::kRows], static_cast<double>(GetParam().table.rows));
  EXPECT_EQ(counts[Message::kNonFinite], 0.0);
  EXPECT_EQ(counts[Message::kStop], 0.0);
  EXPECT_NE(counts[Message::kLoss], 0.0);
  for (const Message& message : messages) {
    const double rows = message.wire()[message.payload().size() + Message::kRows];
    EXPECT_GT(rows, 0.0);
    EXPECT_LT(rows, static_cast<double>(GetParam().table.rows));
  }
}

TEST_P(MessageLaw, CountsWhatIsNotFinite) {
  Message message = copy_of(messages[0]);
  const std::size_t size = message.payload().size();
  message.payload()[0] = std::numeric_limits<double>::quiet_NaN();
  message.payload()[size - 1] = -std::numeric_limits<double>::infinity();
  *message.loss() = std::numeric_limits<double>::infinity();
  message.count_nonfinite(kHost);
  EXPECT_EQ(message.wire()[size + Message::kNonFinite], 3.0);
  // The count itself stays a number in the sum, so that every rank sees it.
  Message sum = copy_of(messages[1]);
  sum.add(kHost, message);
  EXPECT_EQ(sum.wire()[size + Message::kNonFinite], 3.0);
  sum.clear(kHost);
  EXPECT_EQ(values(sum), std::vector<double>(sum.wire().size()));
}

INSTANTIATE_TEST_SUITE_P(Models, MessageLaw, ::testing::ValuesIn(models()),
                         [](const auto& test) { return test.param.name; });

// For conjugate models the message of a shard is its site: subtracting it is unlearning its rows.
class UnlearningLaw : public ::testing::TestWithParam<ModelMember> {};

TEST_P(UnlearningLaw, SubtractingAShardIsRetrainingWithoutIt) {
  const testing::TemporaryFolder folder, smaller_folder;
  const auto self = make_self_communicator();
  // The columns' own scale would be another without those rows.
  testing::Job job = GetParam().job(folder);
  job.model.standardize = false;
  job.prior.center_intercept = false;
  testing::Setup setup(job, *self);
  const Posterior q = setup.model->initial_posterior();
  const Message forgotten = testing::shard_message(setup, q, 7);
  const auto rows = static_cast<std::size_t>(forgotten.wire()[q.size() + Message::kRows]);
  ASSERT_GT(rows, 0U);
  std::vector<double> posterior = testing::evidence_at(setup, q).natural;
  std::vector<double> magnitude(q.size());
  for (std::size_t i = 0; i < q.size(); ++i) {
    magnitude[i] = std::abs(posterior[i]) + 1.0;
    posterior[i] += setup.model->prior().natural[i] - forgotten.payload()[i];
  }

  testing::Table table = make_table(GetParam().table);
  table.values.resize((table.rows() - rows) * table.columns.size());
  testing::Job smaller = job;
  smaller.data.path = smaller_folder.file("table.csv", table.csv()).string();
  smaller.trainer.rule = {.name = "exact"};
  const auto retrained = testing::train(smaller, *self).natural();
  for (std::size_t i = 0; i < q.size(); ++i) {
    EXPECT_NEAR(posterior[i], retrained[i], 1e-13 * magnitude[i]) << "element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, UnlearningLaw, ::testing::ValuesIn(conjugate_models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum::laws
