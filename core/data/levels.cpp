#include "core/data/levels.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/files/field_text.hpp"
#include "core/files/utf8.hpp"
#include "core/staging.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(ExitCode::kFile, why); }

std::string too_many() {
  return "more than the " + std::to_string(Levels::kMost) +
         " levels that a column of categories may have";
}

void sort_levels(std::vector<std::string>& levels) {
  std::ranges::sort(levels);
  if (!std::ranges::all_of(levels, [](const std::string& level) { return is_number(level); })) {
    return;
  }
  std::ranges::stable_sort(levels, {}, [](const std::string& level) {
    double value = 0;
    is_number(level, value);
    return value;
  });
}

// Each rank's bytes, one after the other, on every rank.
std::vector<std::byte> gather_bytes(const Stream& stream, Communicator& communicator,
                                    std::span<const std::byte> mine) {
  const std::uint64_t size = mine.size();
  const auto sizes = gather<std::uint64_t>(stream, communicator, std::span(&size, 1));
  return gather(stream, communicator, mine, std::vector<std::size_t>(sizes.begin(), sizes.end()));
}

}  // namespace

Levels::Levels(const std::vector<std::string>& sorted) {
  Index index;
  for (std::size_t i = 0; i < sorted.size(); ++i) index.emplace(sorted[i], static_cast<double>(i));
  index_ = std::make_shared<const Index>(std::move(index));
}

FieldCode Levels::code(std::optional<double> otherwise) const {
  return [index = index_, otherwise](std::string_view text) {
    const auto found = index->find(text);
    if (found != index->end()) return found->second;
    if (!otherwise) refuse("is a level that training has not seen");
    return *otherwise;
  };
}

FieldCode LevelCollector::code() {
  return [this](std::string_view text) {
    if (seen_.contains(text)) return 0.0;
    const auto is_control = [](unsigned char c) { return c < 32 || c == 127; };
    if (!is_utf8(text)) refuse("is no level: it is not UTF-8");
    if (std::ranges::any_of(text, is_control)) refuse("is no level: it has a control character");
    if (text.size() > Levels::kMostBytes) {
      refuse("is no level: it is longer than " + std::to_string(Levels::kMostBytes) + " bytes");
    }
    if (seen_.size() == Levels::kMost) refuse("is one of " + too_many());
    seen_.emplace(text);
    return 0.0;
  };
}

std::vector<std::string> LevelCollector::merge(const Stream& stream, Communicator& communicator,
                                               const std::string& what) const {
  std::string mine;
  for (const std::string& level : seen_) mine.append(level).append(1, '\n');
  const auto all = gather_bytes(stream, communicator, std::as_bytes(std::span(mine)));
  const std::string_view text(reinterpret_cast<const char*>(all.data()), all.size());
  std::set<std::string> merged;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    merged.emplace(text.substr(at, end - at));
    at = end + 1;
  }
  if (merged.size() > Levels::kMost) refuse(what + " has " + too_many());
  std::vector<std::string> levels(merged.begin(), merged.end());
  sort_levels(levels);
  return levels;
}

}  // namespace bayesum
