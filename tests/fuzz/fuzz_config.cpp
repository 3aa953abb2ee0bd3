#include "core/data/dataset.hpp"
#include "core/rule.hpp"
#include "core/trainer.hpp"
#include "models/make_model.hpp"
#include "tests/fuzz/target.hpp"

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

// A configuration that was read says the same once it has been written and read back.
void read_input(std::span<const std::byte> bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Config config;
  Fields fields = config.fields();
  parse_config(text, "input.toml", {}, fields);
  const std::string written = to_toml(fields);
  Config again;
  Fields again_fields = again.fields();
  parse_config(written, "written.toml", {}, again_fields);
  require(to_toml(again_fields) == written, "another configuration after writing");
}

}  // namespace bayesum::fuzz
