#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "distributed/self.hpp"
#include "models/make_model.hpp"
#include "tests/laws/models.hpp"
#include "tests/support/training.hpp"

// data.without_group: a training without a group is a training on a table without its rows.
namespace bayesum {
namespace {

using laws::ModelMember;
using testing::Job;
using testing::Outcome;
using testing::Table;

// Every third row, the first one among them, is of group 7, the others are of group 8.
bool is_out(std::size_t row) { return row % 3 == 0; }

Table with_groups(const Table& table, bool spoiled) {
  Table result{table.columns, {}};
  result.columns.emplace_back("group");
  for (std::size_t i = 0; i < table.rows(); ++i) {
    for (const std::string& column : table.columns) {
      result.values.push_back(spoiled && is_out(i) ? 1e300 : table.at(i, column));
    }
    result.values.push_back(is_out(i) ? 7 : 8);
  }
  return result;
}

Table rest_of(const Table& table) {
  Table rest{table.columns, {}};
  for (std::size_t i = 0; i < table.rows(); ++i) {
    for (const std::string& column : table.columns) {
      if (!is_out(i)) rest.values.push_back(table.at(i, column));
    }
  }
  return rest;
}

class WithoutGroup : public ::testing::TestWithParam<ModelMember> {
 protected:
  void SetUp() override {
    rest = GetParam().job(folder);
    without = rest;
    const Table table = make_table(GetParam().table);
    // Levels and classes are those of all rows.
    const Support support = support_of(rest.model.name);
    const bool spoiled = support != Support::kCategory && support != Support::kCategoryFeatures;
    without.data.path = folder.file("all.csv", with_groups(table, spoiled).csv());
    without.data.group = "group";
    without.data.without_group = {"7"};
    rest.data.path = folder.file("rest.csv", rest_of(table).csv());
  }

  // A sample of rows chooses the start of some models. Where other rows are drawn, the same
  // components may have other names; so both start where the rest is after a step.
  std::optional<TrainingState> common_start() const {
    const auto self = make_self_communicator();
    if (testing::Setup(rest, *self).model->rows_to_start_from() == 0) return std::nullopt;
    Job step = rest;
    step.trainer.stop.steps = 1;
    return testing::start_at(testing::train_on_threads(step, 1).posterior);
  }

  testing::TemporaryFolder folder;
  Job rest, without;
};

void expect_near(const std::vector<double>& found, const std::vector<double>& expected,
                 double tolerance) {
  double largest = 0;
  for (const double x : expected) largest = std::max(largest, std::abs(x));
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], tolerance * largest) << "element " << i;
  }
}

TEST_P(WithoutGroup, IsTrainingOnTheRest) {
  const auto start = common_start();
  const TrainingState* from = start ? &*start : nullptr;
  const Outcome found = testing::train_on_threads(without, 1, from);
  const Outcome expected = testing::train_on_threads(rest, 1, from);
  const DataSummary &data = found.summary, &other = expected.summary;
  EXPECT_EQ(data.rows, other.rows);
  EXPECT_EQ(data.dropped, 0u);
  EXPECT_EQ(found.result.last.rows, static_cast<double>(other.rows));
  expect_near({data.weight}, {other.weight}, 1e-12);
  expect_near({data.response_mean, data.response_sd, data.response_rate},
              {other.response_mean, other.response_sd, other.response_rate}, 1e-12);
  expect_near(data.class_weight, other.class_weight, 1e-12);
  expect_near(data.mean, other.mean, 1e-12);
  expect_near(data.sd, other.sd, 1e-12);
  expect_near(found.design.mean, expected.design.mean, 1e-12);
  expect_near(found.design.sd, expected.design.sd, 1e-12);
  expect_near(found.prior.natural, expected.prior.natural, 1e-12);
  expect_near(found.natural(), expected.natural(), 1e-9);
  expect_near({found.result.last.elbo}, {expected.result.last.elbo}, 1e-9);
}

TEST_P(WithoutGroup, RanksDoNotMatter) {
  const Outcome alone = testing::train_on_threads(without, 1);
  const Outcome together = testing::train_on_threads(without, 3);
  EXPECT_EQ(together.natural(), alone.natural());
  EXPECT_EQ(together.summary.mean, alone.summary.mean);
  EXPECT_EQ(together.summary.rows, alone.summary.rows);
}

INSTANTIATE_TEST_SUITE_P(Models, WithoutGroup, ::testing::ValuesIn(laws::models()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bayesum
