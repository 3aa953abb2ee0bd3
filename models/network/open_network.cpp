#include "models/network/open_network.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Fields fields_of(NetworkConfig& model, ExamplesConfig& data) {
  Fields fields;
  model.describe(fields);
  data.describe(fields);
  return fields;
}

std::string text_of(const ExampleShape& shape) {
  return Json{{"context", shape.context},
              {"vocabulary", shape.vocabulary},
              {"features", shape.features},
              {"classes", shape.classes},
              {"responses", shape.responses}}
      .dump();
}

ExampleShape shape_of(const Json& json) {
  return {.context = json.at("context").get<std::size_t>(),
          .vocabulary = json.at("vocabulary").get<std::size_t>(),
          .features = json.at("features").get<std::size_t>(),
          .classes = json.at("classes").get<std::size_t>(),
          .responses = json.at("responses").get<std::size_t>()};
}

std::string text_of(const RowDesign& design) {
  return Json{{"features", design.features},
              {"pixels", design.pixels},
              {"mean", design.mean},
              {"sd", design.sd},
              {"classes", design.classes},
              {"response_mean", design.response_mean},
              {"response_sd", design.response_sd}}
      .dump();
}

RowDesign design_of(const Json& json) {
  return {.features = json.at("features").get<Strings>(),
          .pixels = json.at("pixels").get<std::size_t>(),
          .mean = json.at("mean").get<std::vector<double>>(),
          .sd = json.at("sd").get<std::vector<double>>(),
          .classes = json.at("classes").get<Strings>(),
          .response_mean = json.at("response_mean").get<double>(),
          .response_sd = json.at("response_sd").get<double>()};
}

// The value of a text that holds JSON, or what is wrong with it.
template <class Read>
auto read_json(const fs::path& path, const char* key, const std::string& text, const Read& read) {
  try {
    return read(Json::parse(text));
  } catch (const Json::exception&) {
    throw Error(ExitCode::kFile, path.string() + ": the metadata '" + key + "' is not what " +
                                     "a bayesum-network file says there");
  }
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
  trained.shape = read_json(path, "shape", texts.shape, shape_of);
  if (!trained.shape.is_tokens()) {
    trained.design = read_json(path, "rows", texts.rows, design_of);
  }
  if (!fit(trained.shape, trained.design)) {
    throw Error(ExitCode::kFile, path.string() + ": 'shape' and 'rows' do not fit each other");
  }
  if (!texts.tokenizer.empty()) {
    const auto tables = read_json(path, "tokenizer_tables", texts.tokenizer_tables,
                                  [](const Json& json) { return json.template get<Strings>(); });
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
  return {
      .model = model.name,
      .config = to_toml(fields_of(model_copy, data_copy)),
      .shape = text_of(shape),
      .rows = shape.is_tokens() ? std::string() : text_of(examples.design),
      .tokenizer = tokenizer == nullptr ? std::string() : tokenizer->name(),
      .tokenizer_tables = tokenizer == nullptr ? std::string() : Json(tokenizer->texts()).dump(),
      .rule = {},
      .fingerprint = examples.training->fingerprint()};
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
  } catch (const Error& problem) {
    throw Error(ExitCode::kFile, path.string() + ": " + problem.what());
  }
  const ParameterSpace& space = trained.network->parameters();
  trained.mean = Buffer<float>(stream.device(), space.size());
  trained.sd = Buffer<float>(stream.device(), space.size());
  Buffer<float> curvature(stream.device(), space.size());
  file.read(stream, space, {trained.mean.span(), trained.sd.span(), curvature.span()});
  return trained;
}

std::unique_ptr<Examples> open_held_out(const OpenNetwork& trained, const ExamplesConfig& data) {
  return trained.shape.is_tokens()
             ? open_validation_tokens(data, trained.tokenizer.get(), trained.shape.vocabulary)
             : open_validation_rows(data, trained.design);
}

}  // namespace bayesum
