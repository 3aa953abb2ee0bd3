#include "core/block_names.hpp"

#include <algorithm>
#include <cstddef>
#include <set>

#include <nlohmann/json.hpp>

#include "kernels/error.hpp"

namespace bayesum {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongest = std::size_t{1} << 20;

bool is_pair(const Json& entry) {
  return entry.is_array() && entry.size() == 2 && std::ranges::all_of(entry, [](const Json& text) {
           return text.is_string() && text != "";
         });
}

}  // namespace

BlockNames block_names(const Posterior& q) {
  BlockNames names;
  for (const Block& block : q.blocks()) names.emplace_back(block.name, block.family->name());
  return names;
}

std::string text_of(const BlockNames& names) {
  Json list = Json::array();
  for (const auto& [name, family] : names) list.push_back({name, family});
  return list.dump();
}

BlockNames read_block_names(const TensorFile& file) {
  const std::string& text = file.text("blocks");
  const Json list = text.size() > kLongest ? Json() : Json::parse(text, nullptr, false);
  const bool is_list = list.is_array() && std::ranges::all_of(list, is_pair);
  BlockNames names;
  std::set<std::string> different;
  for (std::size_t k = 0; is_list && k < list.size(); ++k) {
    names.emplace_back(list[k][0].get<std::string>(), list[k][1].get<std::string>());
    different.insert(names.back().first);
  }
  if (!is_list || different.size() != names.size()) {
    throw Error(ExitCode::kFile, file.path.string() +
                                     ": blocks is no list of different blocks, each a name and a "
                                     "family");
  }
  return names;
}

}  // namespace bayesum
