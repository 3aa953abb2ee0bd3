#include "core/examples/open_examples.hpp"
#include "core/weights/network_trainer.hpp"
#include "models/network/make_network.hpp"
#include "tests/fuzz/round_trip.hpp"

namespace bayesum::fuzz {
namespace {

struct Config {
  ExamplesConfig data;
  NetworkConfig model;
  WeightRuleConfig rule;
  ScheduleConfig schedule;
  GuardConfig guard;
  CoordinatorConfig coordinator;
  std::int64_t steps = 1000;

  Fields fields() {
    Fields fields;
    data.describe(fields);
    model.describe(fields);
    rule.describe(fields);
    schedule.describe(fields);
    guard.describe(fields);
    coordinator.describe(fields);
    fields.add("stop.steps", steps, {1, 4294967294.0}, "steps of the training");
    return fields;
  }
};

}  // namespace

// What was read makes a rule and a schedule, or is refused; the learning rate is a share of its
// peak at every step.
void read_input(std::span<const std::byte> bytes) {
  const Config config = round_trip<Config>(bytes);
  for (const std::int64_t step : {std::int64_t{0}, config.steps / 2, config.steps - 1}) {
    const double share = scheduled(config.schedule, step, config.steps);
    require(share >= 0 && share <= 1, "a learning rate beyond its peak");
  }
  const auto rule = make_weight_rule(config.rule, 100);
  require(rule->name() == config.rule.name, "another rule");
}

}  // namespace bayesum::fuzz
