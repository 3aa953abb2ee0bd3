#include "core/files/json_object.hpp"

#include <nlohmann/json.hpp>

namespace bayesum {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

JsonObject& JsonObject::add_text(const std::string& key, const std::string& json) {
  members_ += (members_.empty() ? "" : ", ") + quoted(key) + ": " + json;
  return *this;
}

JsonObject& JsonObject::add(const std::string& key, double value) {
  return add_text(key, nlohmann::json(value).dump());
}

JsonObject& JsonObject::add(const std::string& key, const std::string& value) {
  return add_text(key, quoted(value));
}

JsonObject& JsonObject::add(const std::string& key, const JsonObject& value) {
  return add_text(key, value.text());
}

JsonObject& JsonObject::add(const std::string& key, const std::vector<JsonObject>& values) {
  std::string list;
  for (const JsonObject& value : values) list += (list.empty() ? "" : ", ") + value.text();
  return add_text(key, "[" + list + "]");
}

}  // namespace bayesum
