#include "core/data/design.hpp"

#include <unordered_set>
#include <utility>

#include "kernels/error.hpp"

namespace bayesum {

std::vector<std::string> Design::column_names() const {
  std::vector<std::string> names;
  if (intercept) names.emplace_back("intercept");
  names.insert(names.end(), features.begin(), features.end());
  return names;
}

std::size_t Design::left_out(const Input& input) const {
  return one_hot && intercept && !input.levels.empty() ? 1 : 0;
}

Design Design::of(std::vector<Input> inputs, bool one_hot, bool intercept) {
  Design design{.features = {}, .intercept = intercept, .mean = {}, .sd = {}};
  design.one_hot = one_hot;
  for (const Input& input : inputs) {
    if (input.levels.empty() || !one_hot) {
      design.features.push_back(input.name);
      continue;
    }
    for (std::size_t level = design.left_out(input); level < input.levels.size(); ++level) {
      design.features.push_back(input.name + "=" + input.levels[level]);
    }
  }
  std::unordered_set<std::string> seen;
  for (const std::string& name : design.features) {
    if (!seen.insert(name).second) {
      throw Error(ExitCode::kUsage, "two features would be called '" + name + "'");
    }
  }
  design.mean.assign(design.features.size(), 0.0);
  design.sd.assign(design.features.size(), 1.0);
  design.inputs = std::move(inputs);
  return design;
}

std::vector<std::size_t> Design::places_in_summary() const {
  std::vector<std::size_t> places;
  std::size_t next = 0;
  for (const Input& input : inputs) {
    const std::size_t size = summary_size({input}, one_hot);
    for (std::size_t k = left_out(input); k < size; ++k) places.push_back(next + k);
    next += size;
  }
  return places;
}

std::vector<Input> inputs_of_numbers(const std::vector<std::string>& names) {
  std::vector<Input> inputs;
  for (const std::string& name : names) inputs.push_back({name, {}});
  return inputs;
}

std::size_t summary_size(const std::vector<Input>& inputs, bool one_hot) {
  std::size_t size = 0;
  for (const Input& input : inputs) {
    size += one_hot && !input.levels.empty() ? input.levels.size() : 1;
  }
  return size;
}

}  // namespace bayesum
