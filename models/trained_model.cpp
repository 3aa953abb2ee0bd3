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

#include "core/gaussian.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr const char* kFormat = "bayesum-posterior";
constexpr const char* kFormatVersion = "1";
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
  visit("prior.log_partition", trained.prior.log_partition);
  visit("summary.rows", trained.summary.rows);
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
  fields.add("data.features", trained.design.features, "");
  fields.add("design.intercept", trained.design.intercept, "");
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

void read_design(const TensorFile& file, TrainedModel& trained) {
  const std::size_t features = trained.design.features.size();
  trained.design.mean = read_vector(file, "design.mean", features);
  trained.design.sd = read_vector(file, "design.sd", features);
  trained.summary.mean = read_vector(file, "summary.mean", features);
  trained.summary.sd = read_vector(file, "summary.sd", features);
  const auto finite = [](double x) { return std::isfinite(x); };
  if (!std::ranges::all_of(trained.design.mean, finite)) {
    refuse(file, "design.mean", "holds a number that is not finite");
  }
  if (!std::ranges::all_of(trained.design.sd, [&](double x) { return finite(x) && x > 0; })) {
    refuse(file, "design.sd", "holds a number that is not above zero and finite");
  }
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

void read_blocks(const TensorFile& file, TrainedModel& trained) {
  Posterior& q = trained.posterior;
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

TensorFile TrainedModel::to_file() const {
  TrainedModel copy = *this;  // fields are described by where they can be written
  TensorFile file;
  file.metadata = {{"format", kFormat},
                   {"format_version", kFormatVersion},
                   {"program", kProgram},
                   {"model", model.name},
                   {"config", to_toml(config_fields(copy))},
                   {"columns", to_toml(column_fields(copy))},
                   {"seed", whole_text(seed, 10, 1)},
                   {"fingerprint", whole_text(summary.fingerprint, 16, 16)}};
  file.tensors["design.mean"] = vector_tensor(design.mean);
  file.tensors["design.sd"] = vector_tensor(design.sd);
  file.tensors["summary.mean"] = vector_tensor(summary.mean);
  file.tensors["summary.sd"] = vector_tensor(summary.sd);
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
  trained.columns.features = trained.design.features;
  trained.seed = read_whole(file, "seed", 10);
  trained.summary.fingerprint = read_whole(file, "fingerprint", 16);
  read_design(file, trained);
  each_number(trained, [&](const char* key, auto& value) { read_number(file, key, value); });
  trained.posterior = layout_of(file, trained);
  read_blocks(file, trained);
  return trained;
}

}  // namespace bayesum
