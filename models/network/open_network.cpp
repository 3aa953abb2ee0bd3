#include "models/network/open_network.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/examples/example_texts.hpp"
#include "kernels/error.hpp"
#include "models/network/base_weights.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;

Fields fields_of(NetworkConfig& model, ExamplesConfig& data) {
  Fields fields;
  model.describe(fields);
  data.describe(fields);
  return fields;
}

// What a text of the metadata was read as, if it was what belongs there.
template <class T>
T required(const fs::path& path, const char* key, std::optional<T> value) {
  if (value) return *std::move(value);
  throw Error(ExitCode::kFile,
              path.string() + ": its '" + key + "' is not what such a file says there");
}

// Do shape and design say the same of the examples?
bool fit(const ExampleShape& shape, const RowDesign& design) {
  if (shape.is_tokens()) return shape.vocabulary > 0;
  const std::size_t features = design.pixels > 0 ? design.pixels : design.features.size();
  const std::size_t scales = design.pixels > 0 ? 1 : features;
  const bool scaled = std::ranges::all_of(design.sd, [](double sd) { return sd > 0; });
  return shape.features == features && features > 0 && shape.classes == design.classes.size() &&
         shape.responses == (design.classes.empty() ? 1 : 0) && design.mean.size() == scales &&
         design.sd.size() == scales && scaled && design.response_sd > 0;
}

void read_texts(const fs::path& path, OpenNetwork& trained) {
  const NetworkDescription& texts = trained.description;
  try {
    Fields fields = fields_of(trained.model, trained.data);
    parse_config(texts.config, path.string() + ": config", {}, fields);
  } catch (const Error& problem) {
    throw Error(ExitCode::kFile, problem.what());
  }
  trained.shape = required(path, "shape", shape_from_json(texts.shape));
  if (!trained.shape.is_tokens()) {
    trained.design = required(path, "rows", design_from_json(texts.rows));
  }
  if (!fit(trained.shape, trained.design)) {
    throw Error(ExitCode::kFile, path.string() + ": 'shape' and 'rows' do not fit each other");
  }
  if (!texts.tokenizer.empty()) {
    const Strings tables =
        required(path, "tokenizer_tables", strings_from_json(texts.tokenizer_tables));
    trained.tokenizer = make_tokenizer(texts.tokenizer, tables);
  }
}

}  // namespace

NetworkDescription describe_network(const NetworkConfig& model, const ExamplesConfig& data,
                                    const ExampleSets& examples) {
  NetworkConfig model_copy = model;
  ExamplesConfig data_copy = data;
  const ExampleShape& shape = examples.training->shape();
  const Tokenizer* const tokenizer = examples.tokenizer.get();
  return {.model = model.name,
          .config = to_toml(fields_of(model_copy, data_copy)),
          .shape = to_json(shape),
          .rows = shape.is_tokens() ? std::string() : to_json(examples.design),
          .tokenizer = tokenizer == nullptr ? std::string() : tokenizer->name(),
          .tokenizer_tables = tokenizer == nullptr ? std::string() : to_json(tokenizer->texts()),
          .rule = {},
          .fingerprint = examples.training->fingerprint()};
}

void check_alike(const OpenNetwork& first, const std::string& first_name, const OpenNetwork& second,
                 const std::string& second_name) {
  const NetworkDescription& a = first.description;
  const NetworkDescription& b = second.description;
  const auto refuse_unless = [&](bool same, const std::string& why) {
    if (same) return;
    throw Error(ExitCode::kUsage,
                first_name + " and " + second_name + " cannot be averaged: their trainings " + why);
  };
  refuse_unless(a.shape == b.shape, "had examples of other shapes, " + a.shape + " and " + b.shape);
  refuse_unless(a.rows == b.rows,
                "read columns, classes or pixels otherwise, or scaled them otherwise, as "
                "data.scaling = \"standard\" does by the rows of each training");
  refuse_unless(a.tokenizer == b.tokenizer && a.tokenizer_tables == b.tokenizer_tables,
                "had other tokenizers");
  refuse_unless(first.network->outputs() == second.network->outputs(),
                "predict among " + std::to_string(first.network->outputs()) + " and " +
                    std::to_string(second.network->outputs()) + " tokens");
}

bool is_network_file(const fs::path& path) {
  try {
    return TensorReader(path, Checksum::kNone).text("format") == kNetworkFormat;
  } catch (const Error&) {
    return false;
  }
}

OpenNetwork open_network(const Stream& stream, const fs::path& path) {
  const NetworkFile file(path);
  OpenNetwork trained;
  trained.description = file.description();
  read_texts(path, trained);
  try {
    trained.network = make_network(trained.model, trained.shape);
    trained.rule = make_kept_rule(trained.description.rule);
  } catch (const Error& problem) {
    throw Error(ExitCode::kFile, path.string() + ": " + problem.what());
  }
  const ParameterSpace& space = trained.network->parameters();
  trained.mean = Buffer<float>(stream.device(), space.size());
  trained.sd = Buffer<float>(stream.device(), space.size());
  Buffer<float> curvature(stream.device(), space.size());
  file.read(stream, space, {trained.mean.span(), trained.sd.span(), curvature.span()});
  if (LowRank* const adapters = adapters_of(*trained.network)) {
    const ParameterSpace& weights = adapters->network().parameters();
    adapters->set_base(stream, read_base(path, weights, trained.description.base));
  }
  return trained;
}

WeightDraws draws_of(const OpenNetwork& trained, std::int64_t draws) {
  return {*trained.rule, trained.mean.span(),
          draws > 0 ? trained.sd.span() : std::span<const float>(),
          static_cast<std::size_t>(std::max<std::int64_t>(draws, 1)), trained.description.seed};
}

std::unique_ptr<Examples> open_held_out(const OpenNetwork& trained, const ExamplesConfig& data) {
  return trained.shape.is_tokens()
             ? open_validation_tokens(data, trained.tokenizer.get(), trained.shape.vocabulary)
             : open_validation_rows(data, trained.design);
}

std::unique_ptr<Examples> open_unlabelled(const OpenNetwork& trained, const fs::path& path,
                                          const std::string& format) {
  if (trained.shape.is_tokens()) {
    ExamplesConfig data = trained.data;
    data.validation = path.string();
    data.validation_share = 0;
    data.format = format;
    return open_held_out(trained, data);
  }
  if (trained.shape.classes == 0) {
    throw Error(ExitCode::kUsage,
                "a network that predicts numbers has no classes by whose entropy it could tell " +
                    path.string() + " from the held-out data");
  }
  RowSource source;
  source.path = path.string();
  source.format = format;
  return std::make_unique<RowExamples>(read_rows(source, trained.design));
}

}  // namespace bayesum
