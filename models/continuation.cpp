#include "models/continuation.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/files/field_text.hpp"
#include "core/files/hash.hpp"
#include "core/sites.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

std::string named(const std::string& name) { return name.empty() ? "none" : "'" + name + "'"; }

Strings file_columns(const Design& design) {
  Strings names;
  for (const Input& input : design.inputs) names.push_back(input.name);
  return names;
}

// Is this training about the same columns, under the same likelihood?
void check_fit(const std::string& key, const TrainedModel& ancestor, const ModelConfig& model,
               const DataConfig& data) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ExitCode::kUsage, key + " does not fit: " + what);
  };
  const std::string difference_of_model = difference(ancestor.model, model);
  if (!difference_of_model.empty()) refuse(difference_of_model + " here");
  const auto same = [&](const char* part, const std::string& there, const std::string& here) {
    if (there != here) {
      refuse("its " + std::string(part) + " is " + named(there) + ", here it is " + named(here));
    }
  };
  same("response", ancestor.columns.response, data.response);
  same("offset", ancestor.columns.offset, data.offset);
  same("weight", ancestor.columns.weight, data.weight);
  if (!data.features.empty() && data.features != file_columns(ancestor.design)) {
    refuse("data.features names other features than its own");
  }
}

Continuation with_prior_of(const TrainedModel& like) {
  return {.prior_config = like.prior_config,
          .design = like.design,
          .features = file_columns(like.design),
          .categories = like.columns.categories,
          .missing = like.columns.missing,
          .prior = like.prior,
          .prior_sources = like.prior_sources,
          .start = std::nullopt};
}

Continuation after(const TrainedModel& yesterday) {
  const Posterior& q = yesterday.posterior;
  Continuation today = with_prior_of(yesterday);
  today.prior_config.posterior = hash_text(hash_of_natural(q));
  today.prior = {{q.natural().begin(), q.natural().end()}, q.log_partition()};
  today.prior_sources = yesterday.sources;
  today.start = q;
  return today;
}

}  // namespace

std::uint64_t Continuation::fingerprint() const {
  Hash hash;
  // With its size first, so that what ends here does not begin there.
  const auto add = [&](const auto& values) {
    const std::uint64_t size = std::size(values);
    hash.add(std::as_bytes(std::span(&size, 1)));
    hash.add(std::as_bytes(std::span(values)));
  };
  const auto add_all = [&](const Strings& texts) {
    add(std::to_string(texts.size()));
    for (const std::string& text : texts) add(text);
  };
  add(prior.natural);
  add(std::vector{prior.log_partition});
  add(design.mean);
  add(design.sd);
  add(design.missing);
  add_all(design.features);
  add_all(design.classes);
  add(std::to_string(design.inputs.size()));
  for (const Input& input : design.inputs) {
    add(input.name);
    add_all(input.levels);
  }
  add(std::vector<char>{design.intercept, design.one_hot, start.has_value()});
  if (start) add(start->natural());
  add_all(features);
  add_all(categories);
  add(missing);
  PriorConfig config = prior_config;
  Fields fields;
  config.describe(fields);
  add(to_toml(fields));
  for (const auto& [piece, times] : prior_sources.pieces()) {
    add(hash_text(piece.shard) + std::to_string(times) + group_text(piece.column, piece.level));
  }
  return hash.value();
}

std::optional<Continuation> continue_from(const Ancestors& ancestors, const ModelConfig& model,
                                          const DataConfig& data) {
  const auto& [posterior, like, start] = ancestors;
  if (posterior && like) {
    throw Error(ExitCode::kUsage, "prior.posterior and prior.like each give the prior: use one");
  }
  if (posterior) check_fit("prior.posterior", *posterior, model, data);
  if (like) check_fit("prior.like", *like, model, data);
  if (start) check_fit("run.start", *start, model, data);
  std::optional<Continuation> taken;
  if (posterior) taken = after(*posterior);
  if (like) taken = with_prior_of(*like);
  if (!start) return taken;
  if (!taken) taken = with_prior_of(*start);
  const std::string other = difference(start->design, taken->design);
  if (!other.empty()) throw Error(ExitCode::kUsage, "run.start does not fit: " + other + " here");
  if (start->prior.natural != taken->prior.natural) {
    throw Error(ExitCode::kUsage, "run.start does not fit: it has another prior");
  }
  taken->start = start->posterior;
  return taken;
}

std::string difference(const Design& a, const Design& b) {
  if (a.features != b.features || a.intercept != b.intercept || a.inputs != b.inputs ||
      a.one_hot != b.one_hot) {
    return "the features are others";
  }
  if (a.classes != b.classes) return "the classes of the response are others";
  const auto map_of = [](const Design& design, std::size_t j) {
    return "mean " + text_of(design.mean[j]) + " and sd " + text_of(design.sd[j]);
  };
  for (std::size_t j = 0; j < a.features.size(); ++j) {
    if (a.mean[j] == b.mean[j] && a.sd[j] == b.sd[j]) continue;
    return "feature '" + a.features[j] + "' is standardized by " + map_of(a, j) + " against " +
           map_of(b, j);
  }
  if (a.missing.empty() != b.missing.empty()) {
    return "missing values are filled in the one and not in the other";
  }
  for (std::size_t j = 0; j < a.missing.size(); ++j) {
    if (a.missing[j] == b.missing[j]) continue;
    return "a missing value of feature '" + a.features[j] + "' is " + text_of(a.missing[j]) +
           " against " + text_of(b.missing[j]);
  }
  return "";
}

std::string difference(ModelConfig a, ModelConfig b) {
  Fields of_a, of_b;
  a.describe(of_a);
  b.describe(of_b);
  for (std::size_t i = 0; i < of_a.all().size(); ++i) {
    const Field &one = of_a.all()[i], &other = of_b.all()[i];
    if (one.value_text() == other.value_text()) continue;
    return one.key + " = " + one.value_text() + " against " + other.value_text();
  }
  return "";
}

}  // namespace bayesum
