#include "core/files/json_lines.hpp"

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

namespace bayesum {

void read_json_lines(const std::filesystem::path& path,
                     const std::function<void(const StepLine& line)>& visit) {
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) continue;
    const auto has = [&](const std::string& key) { return json.contains(key); };
    const auto number = [&](const std::string& key) {
      const auto found = json.find(key);
      return found != json.end() && found->is_number() ? found->get<double>() : std::nan("");
    };
    visit({.step = json["step"].get<std::int64_t>(), .has = has, .number = number});
  }
}

}  // namespace bayesum
