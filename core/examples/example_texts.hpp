#pragma once

#include <optional>
#include <string>

#include "core/examples/row_examples.hpp"

namespace bayesum {

// What is kept with a model of the examples that it was trained on, as JSON, and back;
// core/FORMAT.md says how. Nothing where a text is not of that kind.

std::string to_json(const ExampleShape& shape);
std::string to_json(const RowDesign& design);
std::string to_json(const Strings& texts);

std::optional<ExampleShape> shape_from_json(const std::string& text);
std::optional<RowDesign> design_from_json(const std::string& text);
std::optional<Strings> strings_from_json(const std::string& text);

}  // namespace bayesum
