#include "core/files/expected_tensors.hpp"

#include <map>
#include <string>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

// "what: a, b", to be joined to others.
void add_list(const std::string& what, const std::vector<std::string>& items, std::string& text) {
  if (items.empty()) return;
  text += (text.empty() ? "" : "; ") + what + ": ";
  for (std::size_t i = 0; i < items.size(); ++i) text += (i == 0 ? "" : ", ") + items[i];
}

}  // namespace

void expect_tensors(const std::filesystem::path& path, const std::vector<TensorEntry>& found,
                    const std::vector<ExpectedTensor>& expected, std::optional<TensorType> type) {
  std::map<std::string, const TensorEntry*> left;
  for (const TensorEntry& entry : found) left[entry.name] = &entry;
  std::vector<std::string> missing;
  std::vector<std::string> misshapen;
  std::vector<std::string> mistyped;
  for (const ExpectedTensor& tensor : expected) {
    const auto at = left.find(tensor.name);
    if (at == left.end()) {
      missing.push_back(tensor.name);
      continue;
    }
    const TensorEntry& entry = *at->second;
    if (entry.shape != tensor.shape) {
      misshapen.push_back(entry.name + " " + shape_text(entry.shape) + " where " +
                          shape_text(tensor.shape) + " belongs");
    }
    const bool taken = type ? entry.type == *type : is_floating(entry.type);
    if (!taken) mistyped.push_back(entry.name + " " + to_string(entry.type));
    left.erase(at);
  }
  std::vector<std::string> extra;
  for (const auto& [name, entry] : left) extra.push_back(name);

  std::string faults;
  add_list("tensors are missing", missing, faults);
  add_list("tensors do not belong", extra, faults);
  add_list("tensors have another shape", misshapen, faults);
  add_list("tensors are not of " + (type ? "type " + to_string(*type) : "a floating-point type"),
           mistyped, faults);
  if (!faults.empty()) throw Error(ExitCode::kFile, path.string() + ": " + faults);
}

}  // namespace bayesum
