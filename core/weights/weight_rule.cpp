#include "core/weights/weight_rule.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/weights/rules/rules.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

using Names = std::vector<std::string>;

const Names kFromCurvature{"ivon", "vogn"};
const Names kDrawing{"ivon", "vogn", "vadam", "bayesbinn"};
const Names kWithSquares{"ivon", "vogn", "vadam", "adamw", "rmsprop"};
const Names kWithMomentum{"ivon", "vogn", "vadam", "adamw", "sgd", "bayesbinn"};
const Names kWithDecay{"ivon", "vogn", "vadam", "adamw", "rmsprop", "sgd"};

// Which rules read a key. Others are read by all.
struct Readers {
  std::string_view key;
  Names rules;
};
const std::vector<Readers> kReaders{{"rule.ess", kDrawing},
                                    {"rule.initial_curvature", kFromCurvature},
                                    {"rule.weight_decay", kWithDecay},
                                    {"rule.decay_vectors", kWithDecay},
                                    {"rule.beta1", kWithMomentum},
                                    {"rule.beta2", kWithSquares},
                                    {"rule.clip_radius", kFromCurvature},
                                    {"rule.debias", kWithMomentum},
                                    {"rule.rescale", kFromCurvature},
                                    {"rule.curvature", {"ivon"}},
                                    {"rule.epsilon", {"adamw", "rmsprop"}},
                                    {"rule.temperature", {"bayesbinn"}},
                                    {"rule.noise", kDrawing}};

bool among(const Names& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::string listed(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

double usual_beta2(const std::string& rule) {
  if (rule == "ivon") return 0.99999;
  return rule == "vogn" || rule == "rmsprop" ? 0.99 : 0.999;
}

// A key that the rule does not read has its default.
void check_readers(WeightRuleConfig given) {
  WeightRuleConfig defaults;
  Fields given_fields, default_fields;
  given.describe(given_fields);
  defaults.describe(default_fields);
  for (const Readers& readers : kReaders) {
    const std::string value = given_fields.find(readers.key)->value_text();
    if (among(readers.rules, given.name) ||
        value == default_fields.find(readers.key)->value_text()) {
      continue;
    }
    throw Error(ExitCode::kUsage, std::string(readers.key) + " = " + value +
                                      " is not read by rule.name = \"" + given.name +
                                      "\" (it is by " + listed(readers.rules) + ")");
  }
}

void check_posterior(const WeightRuleConfig& config, double ess) {
  if (!(ess > 0)) {
    throw Error(ExitCode::kUsage,
                "rule.ess, the effective sample size, must be positive (0 takes the number of "
                "training examples, of which there are none)");
  }
  if (among(kFromCurvature, config.name) && !(config.initial_curvature > 0)) {
    throw Error(
        ExitCode::kUsage,
        "rule.initial_curvature, h of the first step, must be positive with rule.name = \"" +
            config.name + "\"");
  }
  if (config.name == "vadam" && !(config.weight_decay > 0 && config.decay_vectors)) {
    throw Error(ExitCode::kUsage,
                "rule.name = \"vadam\" starts at its prior, which needs rule.weight_decay > 0 and "
                "rule.decay_vectors = true");
  }
}

}  // namespace

void WeightRuleConfig::describe(Fields& fields) {
  fields.add("rule.name", name, {"ivon", "vogn", "vadam", "adamw", "rmsprop", "sgd", "bayesbinn"},
             "how messages move the weights; ivon, vogn and vadam keep a Gaussian posterior, "
             "bayesbinn one over weights of -1 and +1");
  fields.add("rule.learning_rate", learning_rate, kPositive,
             "of the mean, at the peak of the schedule");
  fields.add("rule.ess", ess, kNonNegative,
             "effective sample size: what the evidence of the mean example is multiplied by; 0: "
             "the number of training examples");
  fields.add("rule.initial_curvature", initial_curvature, kNonNegative, "h of the first step");
  fields.add("rule.weight_decay", weight_decay, kNonNegative,
             "delta: the precision of the prior is ess delta");
  fields.add("rule.decay_vectors", decay_vectors,
             "weight decay of biases and gains too, else of matrices alone");
  fields.add("rule.beta1", beta1, {.low = 0, .high = 1, .high_open = true}, "of the momentum");
  fields.add("rule.beta2", beta2, {.low = 0, .high = 1, .high_open = true},
             "of the curvature; 0: the usual of the rule, 0.99999 of ivon, 0.999 of vadam and "
             "adamw, 0.99 of vogn and rmsprop");
  fields.add("rule.clip_radius", clip_radius, kNonNegative,
             "largest step of a weight, in units of the learning rate; 0: none");
  fields.add("rule.debias", debias, "divide running means by 1 - beta^t");
  fields.add("rule.rescale", rescale,
             "multiply the learning rate by initial_curvature + weight_decay");
  fields.add("rule.curvature", curvature, {"price", "antithetic", "squares"},
             "of ivon: Price's theorem on single draws or on pairs, or squared gradients of draws");
  fields.add("rule.epsilon", epsilon, kPositive, "of adamw and rmsprop: added to the root");
  fields.add("rule.temperature", temperature, kPositive, "of bayesbinn's relaxed weights");
  fields.add("rule.noise", noise, {"shard", "micro_batch", "world"},
             "who draws weights of its own: each virtual shard, each micro-batch of it, or all "
             "together");
}

double WeightRuleConfig::decay_of(const ParameterTensor& tensor) const {
  return decay_vectors || tensor.shape.size() > 1 ? weight_decay : 0.0;
}

std::unique_ptr<WeightRule> make_weight_rule(const WeightRuleConfig& config, double examples) {
  check_readers(config);
  WeightRuleConfig full = config;
  if (full.beta2 == 0) full.beta2 = usual_beta2(full.name);
  if (full.name == "adamw") return make_adamw_rule(full);
  if (full.name == "rmsprop") return make_rmsprop_rule(full);
  if (full.name == "sgd") return make_sgd_rule(full);
  const double ess = full.ess != 0 ? full.ess : examples;
  check_posterior(full, ess);
  if (full.name == "ivon") return make_ivon_rule(full, ess);
  if (full.name == "vogn") return make_vogn_rule(full, ess);
  if (full.name == "vadam") return make_vadam_rule(full, ess);
  if (full.name == "bayesbinn") return make_bayesbinn_rule(full, ess);
  throw Error(ExitCode::kUsage, "there is no rule.name = \"" + full.name + "\"");
}

std::unique_ptr<WeightRule> make_kept_rule(const std::string& name) {
  WeightRuleConfig config;
  config.name = name;
  return make_weight_rule(config, 1);
}

}  // namespace bayesum
