#include "core/examples/example_texts.hpp"

#include <nlohmann/json.hpp>

namespace bayesum {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
std::optional<T> read(const std::string& text, T (*from)(const Json&)) {
  try {
    return from(Json::parse(text));
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::string to_json(const ExampleShape& shape) {
  return Json{{"context", shape.context},
              {"vocabulary", shape.vocabulary},
              {"features", shape.features},
              {"classes", shape.classes},
              {"responses", shape.responses}}
      .dump();
}

std::string to_json(const RowDesign& design) {
  return Json{{"features", design.features},
              {"pixels", design.pixels},
              {"mean", design.mean},
              {"sd", design.sd},
              {"classes", design.classes},
              {"response_mean", design.response_mean},
              {"response_sd", design.response_sd}}
      .dump();
}

std::string to_json(const Strings& texts) { return Json(texts).dump(); }

std::optional<ExampleShape> shape_from_json(const std::string& text) {
  return read<ExampleShape>(text, [](const Json& json) {
    return ExampleShape{.context = json.at("context").get<std::size_t>(),
                        .vocabulary = json.at("vocabulary").get<std::size_t>(),
                        .features = json.at("features").get<std::size_t>(),
                        .classes = json.at("classes").get<std::size_t>(),
                        .responses = json.at("responses").get<std::size_t>()};
  });
}

std::optional<RowDesign> design_from_json(const std::string& text) {
  return read<RowDesign>(text, [](const Json& json) {
    return RowDesign{.features = json.at("features").get<Strings>(),
                     .pixels = json.at("pixels").get<std::size_t>(),
                     .mean = json.at("mean").get<std::vector<double>>(),
                     .sd = json.at("sd").get<std::vector<double>>(),
                     .classes = json.at("classes").get<Strings>(),
                     .response_mean = json.at("response_mean").get<double>(),
                     .response_sd = json.at("response_sd").get<double>()};
  });
}

std::optional<Strings> strings_from_json(const std::string& text) {
  return read<Strings>(text, [](const Json& json) { return json.get<Strings>(); });
}

}  // namespace bayesum
