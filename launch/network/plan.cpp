#include "launch/network/plan.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

#include "core/weights/weight_coordinator.hpp"
#include "core/weights/weight_rule.hpp"
#include "distributed/virtual_shards.hpp"
#include "models/network/forecast.hpp"

namespace bayesum {
namespace {

constexpr double kFloat = sizeof(float);

// What decides who holds and moves what.
struct Facts {
  double parameters = 0;  // n
  double message = 0;     // B
  double owned = 0;       // of n, by rank 0
  int ranks = 1;
  bool draws = false;
  bool keeps_gradient = false;
  bool world = false;
  bool replicated = true;
  bool root = false;
  bool deterministic = true;
  TreeOfSums tree = {};
};

std::vector<Planned> parameters_of(const ParameterSpace& space) {
  std::vector<Planned> groups;
  std::map<std::string, std::size_t> tensors;
  for (const ParameterTensor& tensor : space.tensors()) {
    const std::string group = tensor_group(tensor.name);
    auto found = std::ranges::find(groups, group, &Planned::what);
    if (found == groups.end()) found = groups.insert(found, {group, 0, ""});
    found->value += static_cast<double>(tensor.size());
    found->formula = std::to_string(++tensors[group]) + " tensors";
  }
  return groups;
}

Facts facts_of(const NetworkTrainConfig& config, const ExampleShape& shape, std::uint64_t examples,
               const ParameterSpace& space, int ranks) {
  const double targets =
      static_cast<double>(examples) * std::max<double>(1, static_cast<double>(shape.context));
  const NetworkTrainer::Config training = with_common_draw(config.trainer());
  const auto rule = make_weight_rule(training.rule, targets);
  Facts facts{.parameters = static_cast<double>(space.size()),
              .ranks = ranks,
              .draws = rule->draws(),
              .world = training.rule.noise == "world",
              .replicated = config.coordinator.kind == "replicated",
              .root = config.coordinator.kind == "root",
              .deterministic = config.coordinator.deterministic};
  const Range shards =
      shards_of_rank(static_cast<std::size_t>(config.data.virtual_shards), ranks, 0);
  facts.keeps_gradient = keeps_gradient(*rule, training, shards.size());
  const bool second = has_second(*rule, training.rule);
  facts.message = facts.parameters * (second ? 2 : 1);
  facts.owned = facts.parameters;
  if (!facts.replicated && !facts.root) {
    facts.owned = 0;
    for (const Range bucket : space.buckets(WeightCoordinator::kHostBucket)) {
      facts.owned += static_cast<double>(even_counts(bucket.size(), static_cast<std::size_t>(ranks),
                                                     ParameterSpace::kAlignment)[0]);
    }
  }
  if (facts.deterministic) {
    facts.tree = tree_of_sums(static_cast<std::size_t>(config.data.virtual_shards), ranks);
  }
  return facts;
}

std::vector<Planned> memory_of(const NetworkTrainConfig& config, const ExampleShape& shape,
                               const Facts& facts, std::size_t size) {
  const auto rows = static_cast<std::size_t>(config.data.batch);
  const double vector = kFloat * facts.parameters;
  const NetworkForecast pass = forecast(config.model, shape, rows, size);
  const bool held_out = !config.data.validation.empty() || !config.data.validation_rows.empty() ||
                        config.data.validation_share > 0;
  const double feed = kFloat * static_cast<double>(rows) *
                      static_cast<double>(2 * shape.context + shape.features + shape.responses +
                                          (shape.classes > 0 ? 1 : 0));
  std::vector<Planned> memory{{"mean, curvature, momentum", 3 * vector, "3 * 4 n on every rank"}};
  if (facts.draws) memory.push_back({"draw of the weights", vector, "4 n"});
  if (facts.keeps_gradient) memory.push_back({"gradient of one draw", vector, "4 n"});
  memory.push_back({"message", kFloat * facts.message, "4 B"});
  if (facts.deterministic) {
    memory.push_back({"tree of sums",
                      kFloat * facts.message * static_cast<double>(facts.tree.vectors),
                      "4 B * " + std::to_string(facts.tree.vectors) + " vectors, of V, R"});
  }
  memory.push_back({"activations", static_cast<double>(pass.activation_bytes), "of a micro-batch"});
  if (pass.rounded_bytes > 0) {
    memory.push_back({"weights in bfloat16", static_cast<double>(pass.rounded_bytes),
                      pass.adapted_bytes > 0 ? "2 for each that there is" : "2 n"});
  }
  if (pass.adapted_bytes > 0) {
    memory.push_back({"weights that are adapted", static_cast<double>(pass.adapted_bytes),
                      "8 for each there is, with its gradient, and 4 for those of a target"});
  }
  memory.push_back({"examples on their way", feed * (held_out ? 2 : 1), "of a micro-batch"});
  memory.push_back({"mean and sd to be written", 2 * vector, "2 * 4 n, at the end"});
  return memory;
}

std::vector<Planned> wire_of(const Facts& facts) {
  constexpr double kCounts = sizeof(double) * WeightMessage::kScalars;
  constexpr double kKnown = kCounts + sizeof(double);
  const double message = kFloat * facts.message, vector = kFloat * facts.parameters;
  std::vector<Planned> wire{{"agreement", sizeof(std::uint64_t), "8"}};
  if (facts.deterministic) {
    const auto received = static_cast<double>(facts.tree.messages);
    const std::string messages = std::to_string(facts.tree.messages);
    wire.push_back(
        {"sums to rank 0", received * message, "4 B * " + messages + " received, of V, R"});
    wire.push_back({"counts", received * kCounts + kKnown, "32 * " + messages + " + 40"});
    if (facts.ranks > 1 && facts.replicated) {
      wire.push_back({"sum to all", message, "4 B, broadcast"});
    } else if (facts.ranks > 1 && !facts.root) {
      wire.push_back({"sum to its owners", message * (1 - facts.owned / facts.parameters),
                      "4 B (1 - owned / n)"});
    }
  } else {
    if (facts.ranks > 1) {
      wire.push_back(
          {"sum", message, facts.replicated ? "4 B, all-reduce" : "4 B, reduce-scatter"});
    }
    wire.push_back({"counts", 2 * kKnown, "2 * 40"});
  }
  if (facts.ranks == 1 || facts.replicated) return wire;
  const bool theta = facts.world && facts.draws;
  const double vectors = facts.draws && !theta ? 2 : 1;
  wire.push_back({theta ? "draw from its owners" : "posterior from its owners", vectors * vector,
                  vectors == 2 ? "2 * 4 n, all-gather" : "4 n, all-gather"});
  return wire;
}

std::vector<Planned> work_of(const NetworkTrainConfig& config, const ExampleShape& shape,
                             std::size_t size) {
  const auto rows = static_cast<std::size_t>(config.data.batch);
  const double examples =
      static_cast<double>(config.data.batch * config.data.micro_steps * config.data.virtual_shards);
  const double targets = examples * std::max<double>(1, static_cast<double>(shape.context));
  const double draws = config.rule.curvature == "antithetic" ? 2 : 1;
  const double flops = forecast(config.model, shape, rows, size).flops;
  return {{shape.is_tokens() ? "tokens" : "examples", targets,
           shape.is_tokens() ? "batch * micro_steps * V * context" : "batch * micro_steps * V"},
          {"operations", targets * draws * flops,
           std::to_string(static_cast<std::int64_t>(flops)) + " each, forward and backward" +
               (draws > 1 ? ", of both draws" : "")}};
}

}  // namespace

TreeOfSums tree_of_sums(std::size_t virtual_shards, int ranks) {
  TreeOfSums tree;
  const std::size_t mine = shards_of_rank(virtual_shards, ranks, 0).size();
  const auto partial_sums = [](std::size_t shards) {
    return static_cast<std::size_t>(std::popcount(shards));
  };
  for (std::size_t shard = 0; shard < mine; ++shard) {
    tree.vectors = std::max(tree.vectors, partial_sums(shard) + 1);
  }
  const auto owner = [&](std::size_t shard) { return rank_of_shard(virtual_shards, ranks, shard); };
  for (std::size_t width = 1; width < virtual_shards; width *= 2) {
    for (std::size_t left = 0; left + width < virtual_shards; left += 2 * width) {
      tree.messages += owner(left) == 0 && owner(left + width) != 0 ? 1 : 0;
    }
  }
  if (tree.messages > 0) tree.vectors = std::max(tree.vectors, partial_sums(mine) + 1);
  return tree;
}

double total(const std::vector<Planned>& figures) {
  const auto add = [](double sum, const Planned& figure) { return sum + figure.value; };
  return std::accumulate(figures.begin(), figures.end(), 0.0, add);
}

NetworkPlan plan_network(const NetworkTrainConfig& config, const ExampleShape& shape,
                         std::uint64_t examples, const ParameterSpace& parameters, int ranks) {
  const Facts facts = facts_of(config, shape, examples, parameters, ranks);
  return {.parameters = parameters_of(parameters),
          .memory = memory_of(config, shape, facts, parameters.size()),
          .wire = wire_of(facts),
          .work = work_of(config, shape, parameters.size())};
}

}  // namespace bayesum
