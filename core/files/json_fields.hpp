#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace bayesum {

// A JSON object as text by key, each value as JSON without spaces: "12", "\"gelu_new\"", "null".
using JsonFields = std::map<std::string, std::string>;

// Reads a file of one object, of at most 1 MiB. Error(kFile) naming the path and what is wrong.
JsonFields read_json_fields(const std::filesystem::path& path);

}  // namespace bayesum
