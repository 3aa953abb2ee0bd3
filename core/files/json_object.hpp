#pragma once

#include <string>
#include <vector>

namespace bayesum {

// A JSON object as it is written, members in the order in which they are added. A number that is
// not finite becomes null; of a text, what is not UTF-8 becomes U+FFFD.
class JsonObject {
 public:
  JsonObject& add(const std::string& key, double value);
  JsonObject& add(const std::string& key, const std::string& value);
  JsonObject& add(const std::string& key, const JsonObject& value);
  JsonObject& add(const std::string& key, const std::vector<JsonObject>& values);

  std::string text() const { return "{" + members_ + "}"; }

 private:
  JsonObject& add_text(const std::string& key, const std::string& json);

  std::string members_;
};

}  // namespace bayesum
