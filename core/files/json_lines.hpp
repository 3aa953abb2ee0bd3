#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace bayesum {

// A line of a file of metrics, a JSON object with a whole number as its `step`.
struct StepLine {
  std::int64_t step = 0;
  std::function<bool(const std::string& key)> has;
  std::function<double(const std::string& key)> number;  // NaN where it is null or not there
};

// Calls visit(line) for every such line that is whole; others, as a training that was killed
// leaves, are passed over. A file that is not there has no lines.
void read_json_lines(const std::filesystem::path& path,
                     const std::function<void(const StepLine& line)>& visit);

}  // namespace bayesum
