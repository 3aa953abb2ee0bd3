#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/files/tensor_header.hpp"

namespace bayesum {

// A tensor that a file must have.
struct ExpectedTensor {
  std::string name;
  std::vector<std::size_t> shape;
};

// Error(kFile): one sentence that names the path and every tensor that is missing, that is not
// expected, and that has another shape or a type other than `type`, which is any floating one where
// none is given. `found`: names are different.
void expect_tensors(const std::filesystem::path& path, const std::vector<TensorEntry>& found,
                    const std::vector<ExpectedTensor>& expected, std::optional<TensorType> type);

}  // namespace bayesum
