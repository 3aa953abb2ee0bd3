#include "models/trained_model.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/block_names.hpp"
#include "core/families/gaussian.hpp"
#include "core/files/field_text.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr const char* kFormat = "bayesum-posterior";
constexpr const char* kFormatVersion = "3";
constexpr const char* kProgram = "bayesum " BAYESUM_VERSION;
constexpr double kLargestWhole = 9007199254740992.0;  // 2^53

[[noreturn]] void refuse(const TensorFile& file, const std::string& key, const std::string& why) {
  throw Error(ExitCode::kFile, file.path.string() + ": " + key + " " + why);
}

Tensor vector_tensor(std::span<const double> values) {
  return {.shape = {values.size()}, .values = {values.begin(), values.end()}};
}

std::vector<double> read_vector(const TensorFile& file, const std::string& key, std::size_t size) {
  const Tensor& tensor = file.tensor(key);
  if (tensor.shape != std::vector{size}) {
    refuse(file, key,
           "has " + std::to_string(tensor.values.size()) + " elements where a vector of " +
               std::to_string(size) + " belongs");
  }
  return tensor.values;
}

// Every single number of a posterior file with its key, for writing and reading.
template <class Trained, class Visit>
void each_number(Trained& trained, const Visit& visit) {
  visit("log_partition.prior", trained.prior.log_partition);
  visit("summary.rows", trained.summary.rows);
  visit("summary.dropped", trained.summary.dropped);
  visit("summary.weight", trained.summary.weight);
  visit("summary.response_mean", trained.summary.response_mean);
  visit("summary.response_sd", trained.summary.response_sd);
  visit("summary.response_rate", trained.summary.response_rate);
  visit("fit.step", trained.fit.step);
  visit("fit.elbo", trained.fit.elbo);
  visit("fit.loss", trained.fit.loss);
  visit("fit.rows", trained.fit.rows);
  visit("fit.residual", trained.fit.residual);
  visit("fit.rho", trained.fit.rho);
  visit("fit.backtracks", trained.fit.backtracks);
}

void read_number(const TensorFile& file, const std::string& key, double& value) {
  value = read_vector(file, key, 1)[0];
}

void read_number(const TensorFile& file, const std::string& key, std::integral auto& value) {
  const double number = read_vector(file, key, 1)[0];
  if (!(number >= 0 && number <= kLargestWhole && std::floor(number) == number)) {
    refuse(file, key, "is not a whole number");
  }
  value = static_cast<std::remove_reference_t<decltype(value)>>(number);
}

std::string whole_text(std::uint64_t value, int base, std::size_t width) {
  std::array<char, 20> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, base).ptr;
  const auto length = static_cast<std::size_t>(end - text.data());
  return std::string(width - std::min(width, length), '0') + std::string(text.data(), length);
}

// Names, one a line; none has a newline or is empty.
std::string lines_of(const Strings& names) {
  std::string text;
  for (const std::string& name : names) text.append(name).append(1, '\n');
  return text;
}

// Error(kFile) unless they are different, and none is empty.
Strings read_lines(const TensorFile& file, const std::string& key) {
  const std::string& text = file.text(key);
  Strings names;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    names.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  Strings sorted = names;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end() ||
      (!sorted.empty() && sorted.front().empty())) {
    refuse(file, key, "are not different names");
  }
  return names;
}

std::uint64_t read_whole(const TensorFile& file, const std::string& key, int base) {
  const std::string& text = file.text(key);
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (problem != std::errc{} || end != text.data() + text.size()) {
    refuse(file, key, "is '" + text + "', which is not a whole number");
  }
  return value;
}

Fields config_fields(TrainedModel& trained) {
  Fields fields;
  trained.model.describe(fields);
  trained.prior_config.describe(fields);
  return fields;
}

Fields column_fields(TrainedModel& trained) {
  Fields fields;
  fields.add("data.response", trained.columns.response, {}, "");
  fields.add("data.offset", trained.columns.offset, {}, "");
  fields.add("data.weight", trained.columns.weight, {}, "");
  fields.add("data.categories", trained.columns.categories, "");
  fields.add("data.missing", trained.columns.missing, {"refuse", "drop", "mean"}, "");
  fields.add("data.virtual_shards", trained.columns.virtual_shards, {1, kMostShards}, "");
  fields.add("design.intercept", trained.design.intercept, "");
  fields.add("design.one_hot", trained.design.one_hot, "");
  return fields;
}

void read_fields(const TensorFile& file, const std::string& key, Fields fields) {
  try {
    parse_config(file.text(key), file.path.string() + ": " + key, {}, fields);
  } catch (const Error& error) {
    throw Error(ExitCode::kFile, error.what());
  }
}

void expect(const TensorFile& file, const std::string& key, const std::string& wanted) {
  const std::string& found = file.text(key);
  if (found != wanted) refuse(file, key, "is '" + found + "' where '" + wanted + "' belongs");
}

void add_moments(const Block& block, std::span<const double> natural, TensorFile& file) {
  const Moments moments = block.family->moments(natural);
  file.tensors["mean." + block.name] = vector_tensor(moments.mean);
  file.tensors["sd." + block.name] = vector_tensor(moments.sd);
  if (block.family->name() != "gaussian") return;
  const std::size_t dimension = block.family->dimension();
  file.tensors["covariance." + block.name] = {
      .shape = {dimension, dimension},
      .values = GaussianMoments::from_natural(natural, dimension).covariance()};
}

void write_blocks(const TrainedModel& trained, TensorFile& file) {
  file.metadata["blocks"] = text_of(block_names(trained.posterior));
  for (const Block& block : trained.posterior.blocks()) {
    const auto natural = trained.posterior.natural(block);
    file.metadata["family." + block.name] = block.family->name();
    file.metadata["dimension." + block.name] = std::to_string(block.family->dimension());
    file.tensors["natural." + block.name] = vector_tensor(natural);
    file.tensors["prior." + block.name] =
        vector_tensor(std::span(trained.prior.natural).subspan(block.first, natural.size()));
    add_moments(block, natural, file);
  }
}

void write_design(const TrainedModel& trained, TensorFile& file) {
  const Design& design = trained.design;
  Strings names;
  for (const Input& input :
       design.inputs.empty() ? inputs_of_numbers(design.features) : design.inputs) {
    if (!input.levels.empty()) {
      file.metadata["levels." + std::to_string(names.size())] = lines_of(input.levels);
    }
    names.push_back(input.name);
  }
  file.metadata["inputs"] = lines_of(names);
  if (!design.classes.empty()) file.metadata["classes"] = lines_of(design.classes);
  file.tensors["design.mean"] = vector_tensor(design.mean);
  file.tensors["design.sd"] = vector_tensor(design.sd);
  if (!design.missing.empty()) file.tensors["design.missing"] = vector_tensor(design.missing);
  file.tensors["summary.mean"] = vector_tensor(trained.summary.mean);
  file.tensors["summary.sd"] = vector_tensor(trained.summary.sd);
}

std::vector<Input> read_inputs(const TensorFile& file, const Strings& categories) {
  std::vector<Input> inputs = inputs_of_numbers(read_lines(file, "inputs"));
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (std::ranges::find(categories, inputs[k].name) == categories.end()) continue;
    const std::string key = "levels." + std::to_string(k);
    inputs[k].levels = read_lines(file, key);
    if (inputs[k].levels.empty()) refuse(file, key, "are none");
  }
  return inputs;
}

void read_design(const TensorFile& file, TrainedModel& trained) {
  try {
    trained.design = Design::of(read_inputs(file, trained.columns.categories),
                                trained.design.one_hot, trained.design.intercept);
  } catch (const Error& error) {
    throw Error(ExitCode::kFile, file.path.string() + ": inputs: " + error.what());
  }
  Design& design = trained.design;
  if (support_of(trained.model.name) == Support::kCategory) {
    design.classes = read_lines(file, "classes");
    trained.summary.class_weight = read_vector(file, "summary.class_weight", design.classes.size());
  }
  const std::size_t features = design.features.size();
  const auto read_finite = [&](const char* key) {
    const auto values = read_vector(file, key, features);
    if (!std::ranges::all_of(values, [](double x) { return std::isfinite(x); })) {
      refuse(file, key, "holds a number that is not finite");
    }
    return values;
  };
  design.mean = read_finite("design.mean");
  design.sd = read_vector(file, "design.sd", features);
  if (!std::ranges::all_of(design.sd, [](double x) { return std::isfinite(x) && x > 0; })) {
    refuse(file, "design.sd", "holds a number that is not above zero and finite");
  }
  if (file.tensors.contains("design.missing")) design.missing = read_finite("design.missing");
  const std::size_t moments = summary_size(design.inputs, design.one_hot);
  trained.summary.mean = read_vector(file, "summary.mean", moments);
  trained.summary.sd = read_vector(file, "summary.sd", moments);
}

// The blocks that the model gives its posterior, without their values.
Posterior layout_of(const TensorFile& file, const TrainedModel& trained) {
  try {
    return make_model(trained.model, trained.prior_config, trained.design, trained.summary)
        ->initial_posterior();
  } catch (const Error& error) {
    throw Error(ExitCode::kFile, file.path.string() + ": config: " + error.what());
  }
}

// Are the blocks in the file those of the model, in its order, and no others?
void check_blocks(const TensorFile& file, const Posterior& layout) {
  const BlockNames wanted = block_names(layout);
  if (read_block_names(file) != wanted) {
    refuse(file, "blocks",
           "are " + shown(file.text("blocks")) + " where " + text_of(wanted) + " belong");
  }
  for (const auto& entry : file.tensors) {
    const std::string& key = entry.first;
    const bool is_known = std::ranges::any_of(
        wanted, [&](const auto& block) { return key == "natural." + block.first; });
    if (key.starts_with("natural.") && !is_known) refuse(file, key, "is of none of the blocks");
  }
}

void read_blocks(const TensorFile& file, TrainedModel& trained) {
  Posterior& q = trained.posterior;
  check_blocks(file, q);
  trained.prior.natural.resize(q.size());
  for (const Block& block : q.blocks()) {
    expect(file, "family." + block.name, block.family->name());
    expect(file, "dimension." + block.name, std::to_string(block.family->dimension()));
    const std::size_t size = block.family->size();
    const auto natural = read_vector(file, "natural." + block.name, size);
    const auto prior = read_vector(file, "prior." + block.name, size);
    if (!block.family->proper(natural)) {
      refuse(file, "natural." + block.name, "is no proper " + block.family->name() + " posterior");
    }
    if (!std::ranges::all_of(prior, [](double x) { return std::isfinite(x); })) {
      refuse(file, "prior." + block.name, "holds a number that is not finite");
    }
    std::ranges::copy(natural, q.natural().subspan(block.first, size).begin());
    std::ranges::copy(prior, std::span(trained.prior.natural).subspan(block.first, size).begin());
  }
}

}  // namespace

std::unique_ptr<Model> model_of(const TrainedModel& trained) {
  auto model = make_model(trained.model, trained.prior_config, trained.design, trained.summary);
  model->set_prior(trained.prior);
  return model;
}

TensorFile TrainedModel::to_file() const {
  TrainedModel copy = *this;  // fields are described by where they can be written
  copy.columns.categories.clear();
  for (const Input& input : design.inputs) {
    if (!input.levels.empty()) copy.columns.categories.push_back(input.name);
  }
  TensorFile file;
  file.metadata = {{"format", kFormat},
                   {"format_version", kFormatVersion},
                   {"program", kProgram},
                   {"model", model.name},
                   {"config", to_toml(config_fields(copy))},
                   {"columns", to_toml(column_fields(copy))},
                   {"seed", whole_text(seed, 10, 1)},
                   {"fingerprint", whole_text(summary.fingerprint, 16, 16)}};
  write_design(*this, file);
  if (!design.classes.empty()) {
    file.tensors["summary.class_weight"] = vector_tensor(summary.class_weight);
  }
  file.tensors["data.shards"] = hash_tensor(summary.shards);
  write_sources("sources", sources, file);
  write_sources("prior_sources", prior_sources, file);
  each_number(*this, [&](const char* key, const auto& value) {
    file.tensors[key] = {.shape = {1}, .values = {static_cast<double>(value)}};
  });
  write_blocks(*this, file);
  return file;
}

TrainedModel TrainedModel::from_file(const TensorFile& file) {
  expect(file, "format", kFormat);
  expect(file, "format_version", kFormatVersion);
  TrainedModel trained;
  read_fields(file, "config", config_fields(trained));
  read_fields(file, "columns", column_fields(trained));
  expect(file, "model", trained.model.name);
  trained.seed = read_whole(file, "seed", 10);
  trained.summary.fingerprint = read_whole(file, "fingerprint", 16);
  trained.summary.shards = read_hashes("data.shards", file);
  trained.sources = read_sources("sources", file);
  trained.prior_sources = read_sources("prior_sources", file);
  read_design(file, trained);
  each_number(trained, [&](const char* key, auto& value) { read_number(file, key, value); });
  trained.posterior = layout_of(file, trained);
  read_blocks(file, trained);
  return trained;
}

}  // namespace bayesum
