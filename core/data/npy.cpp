#include "core/data/npy.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/files/field_text.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

// A run of neighbours in the selection that come from one array.
struct Run {
  std::size_t array = 0;
  std::size_t first = 0;  // place in the row
  std::vector<NpyArray::Column> columns;
};

}  // namespace

NpyFile::NpyFile(std::filesystem::path path, const std::filesystem::path& names) : TableFile(path) {
  arrays_.emplace_back(std::move(path));
  const auto& columns = arrays_.front().columns();
  std::vector<std::string> found = names.empty() ? std::vector<std::string>() : read_names(names);
  if (!names.empty() && found.size() != columns.size()) {
    throw Error(ExitCode::kFile, names.string() + " has " + std::to_string(found.size()) +
                                     " names for the " + std::to_string(columns.size()) +
                                     " columns of " + arrays_.front().path().string());
  }
  for (std::size_t j = 0; names.empty() && j < columns.size(); ++j) {
    found.push_back(columns[j].name.empty() ? "x" + std::to_string(j + 1) : columns[j].name);
  }
  set_columns(std::move(found),
              (names.empty() ? arrays_.front().path().string() : names.string()) + ": ");
}

void NpyFile::name_columns(const std::vector<std::string>& names) {
  const auto is_here = [&](const std::string& name) { return has_column(name); };
  if (std::ranges::all_of(names, is_here)) return;
  const auto& own = arrays_.front().columns();
  if (std::ranges::any_of(own, [](const auto& column) { return !column.name.empty(); })) return;
  if (names.size() != own.size()) {
    throw Error(ExitCode::kUsage, path().string() + " has " + std::to_string(own.size()) +
                                      " columns without names where " +
                                      std::to_string(names.size()) +
                                      " are wanted: name them with --feature-names");
  }
  set_columns(names, path().string() + ": ");
}

void NpyFile::attach(const std::string& path) {
  NpyArray array(path);
  if (array.columns().size() != 1 || array.rows() != extent().size()) {
    throw Error(ExitCode::kFile, path + " has " + std::to_string(array.rows()) + " rows of " +
                                     std::to_string(array.columns().size()) +
                                     " columns where one number for each of the " +
                                     std::to_string(extent().size()) + " rows of " +
                                     this->path().string() + " belongs");
  }
  std::vector<std::string> names = columns();
  names.push_back(path);
  set_columns(std::move(names), path + ": ");
  arrays_.push_back(std::move(array));
}

std::uint64_t NpyFile::read(Range rows, const Selection& selection, std::size_t block_rows,
                            const Visitor& visit) const {
  places_of(*this, selection, columns().size());
  const std::size_t width = selection.columns.size();
  const std::size_t own = arrays_.front().columns().size();
  std::vector<Run> runs;
  std::vector<bool> used(arrays_.size()), counts(arrays_.size());
  used[0] = counts[0] = true;
  for (std::size_t place = 0; place < width; ++place) {
    const std::size_t column = selection.columns[place].column;
    const std::size_t array = column < own ? 0 : column - own + 1;
    if (runs.empty() || runs.back().array != array) runs.push_back({array, place, {}});
    runs.back().columns.push_back(arrays_[array].columns()[array == 0 ? column : 0]);
    used[array] = true;
    if (selection.columns[place].counts) counts[array] = true;
  }

  std::vector<std::unique_ptr<ByteReader>> readers(arrays_.size());
  std::vector<Hash> hashes(arrays_.size());
  for (std::size_t k = 0; k < arrays_.size(); ++k) {
    if (used[k]) readers[k] = std::make_unique<ByteReader>(arrays_[k].file());
  }
  std::vector<std::vector<std::byte>> bytes(arrays_.size());
  std::vector<double> values;
  std::vector<std::uint64_t> starts;
  for (std::size_t first = rows.first; first < rows.last; first += block_rows) {
    const std::size_t count = std::min(block_rows, rows.last - first);
    for (std::size_t k = 0; k < arrays_.size(); ++k) {
      if (used[k]) arrays_[k].read(*readers[k], first, count, bytes[k], hashes[k]);
    }
    values.resize(count * width);
    for (const Run& run : runs) {
      convert(bytes[run.array], arrays_[run.array].row_bytes(), run.columns,
              values.data() + run.first, width);
    }
    starts.resize(count);
    for (std::size_t i = 0; i < count; ++i) starts[i] = first + i;
    finish(selection, starts, values);
    visit({.values = {values.data(), count, width}, .sparse = {}, .starts = starts});
  }
  std::vector<std::uint64_t> all;
  for (std::size_t k = 0; k < arrays_.size(); ++k) {
    if (counts[k]) all.push_back(hashes[k].value());
  }
  return all.size() == 1 ? all.front() : hash_of(std::as_bytes(std::span(all)));
}

// Turns categories into numbers and refuses what is not finite.
void NpyFile::finish(const Selection& selection, std::span<const std::uint64_t> starts,
                     std::span<double> values) const {
  const std::size_t width = selection.columns.size();
  const auto refuse = [&](std::size_t at, const std::string& why) {
    throw Error(ExitCode::kFile, place(starts[at / width]) + ": column '" +
                                     columns()[selection.columns[at % width].column] + "': " + why);
  };
  const auto is_bad = [&](double value) {
    return !std::isfinite(value) && !(selection.missing && std::isnan(value));
  };
  const auto bad = std::ranges::find_if(values, is_bad);
  if (bad != values.end()) {
    refuse(static_cast<std::size_t>(bad - values.begin()), why_no_number(text_of(*bad)));
  }
  for (std::size_t place = 0; place < width; ++place) {
    const FieldCode& code = selection.columns[place].code;
    for (std::size_t at = place; code && at < values.size(); at += width) {
      if (std::isnan(values[at])) continue;
      try {
        values[at] = code(text_of(values[at]));
      } catch (const Error& error) {
        refuse(at, "'" + text_of(values[at]) + "' " + error.what());
      }
    }
  }
}

std::string NpyFile::place(std::uint64_t start) const {
  return path().string() + ": row " + std::to_string(start + 1);
}

}  // namespace bayesum
