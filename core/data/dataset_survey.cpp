#include <algorithm>
#include <utility>

#include "core/agree.hpp"
#include "core/data/dataset.hpp"
#include "core/data/levels.hpp"
#include "core/nearest.hpp"
#include "core/staging.hpp"
#include "kernels/error.hpp"

// What must be known of all rows before any can be read as numbers: Dataset::survey.
namespace bayesum {

void Dataset::survey(const Stream& stream, Communicator& communicator) {
  const Range mine = shards_of_rank(virtual_shards_, communicator.size(), communicator.rank());
  const bool open_ended = file_->sparse() && config_.feature_names.empty();
  if (open_ended && config_.features.empty()) survey_width(stream, communicator, mine);
  const bool levels =
      support_ == Support::kCategory || !one_hot() || parts_.group || !config_.categories.empty();
  if (levels) survey_levels(stream, communicator, mine);
}

void Dataset::survey_width(const Stream& stream, Communicator& communicator, Range mine) {
  std::uint64_t width = 0;
  agree(communicator, stream, [&] {
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      width = std::max<std::uint64_t>(width, file_->widest(part_of(shard)));
    }
  });
  on_wire(stream, communicator, std::span(&width, 1), [&](const Stream& wire, auto payload) {
    communicator.all_reduce(wire, payload, Reduction::kMax);
  });
  file_->set_width(width);
  choose_inputs();
  parts_ = parts_of(inputs_, classes_);
}

void Dataset::survey_levels(const Stream& stream, Communicator& communicator, Range mine) {
  std::vector<std::pair<std::string, std::vector<std::string>*>> columns;
  if (support_ == Support::kCategory && classes_.empty()) {
    columns.emplace_back(config_.response, &classes_);
  }
  if (parts_.group) columns.emplace_back(config_.group, &groups_);
  for (Input& input : inputs_) {
    const auto& named = config_.categories;
    const bool holds_texts = !one_hot() || std::ranges::find(named, input.name) != named.end();
    if (holds_texts && input.levels.empty()) {
      columns.emplace_back(input.name, &input.levels);
    }
  }
  if (columns.empty()) return;
  std::vector<LevelCollector> collectors(columns.size());
  Selection selection{.columns = {}, .missing = config_.missing != "refuse"};
  for (std::size_t k = 0; k < columns.size(); ++k) {
    selection.columns.push_back({file_->column(columns[k].first), collectors[k].code()});
  }
  agree(communicator, stream, [&] {
    for (std::size_t shard = mine.first; shard < mine.last; ++shard) {
      file_->read(part_of(shard), selection, block_rows_,
                  [&](const TableRows&) { communicator.activity().move(); });
    }
  });
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const std::string what = "column '" + columns[k].first + "' of " + config_.path;
    *columns[k].second = collectors[k].merge(stream, communicator, what);
    if (columns[k].second->empty()) throw Error(ExitCode::kFile, what + " holds no level");
  }
  leave_out_groups();
  parts_ = parts_of(inputs_, classes_);
}

void Dataset::leave_out_groups() {
  if (config_.without_group.empty()) return;
  left_out_groups_.assign(groups_.size(), false);
  for (const std::string& name : config_.without_group) {
    const auto found = std::ranges::find(groups_, name);
    if (found == groups_.end()) {
      throw Error(ExitCode::kUsage, "data.without_group: there is no group '" + name +
                                        "'; did you mean '" + nearest(name, groups_) + "'?");
    }
    left_out_groups_[static_cast<std::size_t>(found - groups_.begin())] = true;
  }
}

}  // namespace bayesum
