#include "core/data/dataset.hpp"
#include "core/rule.hpp"
#include "core/trainer.hpp"
#include "models/make_model.hpp"
#include "tests/fuzz/round_trip.hpp"

namespace bayesum::fuzz {
namespace {

struct Config {
  DataConfig data;
  ModelConfig model;
  PriorConfig prior;
  RuleConfig rule;
  CoordinatorConfig coordinator;
  StopConfig stop;

  Fields fields() {
    Fields fields;
    data.describe(fields);
    model.describe(fields);
    prior.describe(fields);
    rule.describe(fields);
    coordinator.describe(fields);
    stop.describe(fields);
    return fields;
  }
};

}  // namespace

void read_input(std::span<const std::byte> bytes) { round_trip<Config>(bytes); }

}  // namespace bayesum::fuzz
