#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/data/table_file.hpp"
#include "distributed/communicator.hpp"

namespace bayesum {

// The distinct texts of a column of categories, in one order on every rank: by value when all of
// them are numbers, else by the bytes of their UTF-8.
class Levels {
 public:
  static constexpr std::size_t kMost = 10000;     // of a column
  static constexpr std::size_t kMostBytes = 256;  // of a level

  Levels() = default;
  explicit Levels(const std::vector<std::string>& sorted);

  // The index of a level. Any other text is `otherwise`; where that is nothing, what it throws says
  // that the text was not seen in training.
  FieldCode code(std::optional<double> otherwise = {}) const;

 private:
  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Index = std::unordered_map<std::string, double, TextHash, std::equal_to<>>;
  std::shared_ptr<const Index> index_;  // lives as long as any code does
};

// Collects the levels of a column.
class LevelCollector {
 public:
  // Takes every text for a level. What it throws says that the text is no UTF-8, too long, or one
  // level too many. Must not outlive the collector.
  FieldCode code();

  // Collective: all levels that any rank has met, in their order. Error(kFile) on every rank when
  // they are too many; `what` says of what.
  std::vector<std::string> merge(const Stream& stream, Communicator& communicator,
                                 const std::string& what) const;

 private:
  std::set<std::string, std::less<>> seen_;
};

}  // namespace bayesum
