#include "core/examples/read_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "core/data/levels.hpp"
#include "core/data/memory.hpp"
#include "core/data/open_table.hpp"
#include "core/examples/read_images.hpp"
#include "core/examples/row_choice.hpp"
#include "distributed/self.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

constexpr std::size_t kBlockRows = 4096;

// A table as it is in its file: of each row the response, then the features.
class Table {
 public:
  // Without a response where none is named, if `unlabelled` says that this may be.
  Table(const RowSource& source, const Strings& features, bool unlabelled = false)
      : source_(source) {
    DataConfig config;
    config.path = source.path;
    config.format = source.format;
    config.response = source.response;
    config.feature_names = source.feature_names;
    file_ = open_table(config, Support::kReal);
    if (file_->sparse()) {
      throw Error(ExitCode::kUsage,
                  source.path + " is a libsvm table of sparse rows, which networks do not read");
    }
    if (source.response.empty() && !unlabelled) {
      throw Error(ExitCode::kUsage, "data.response does not say which column of " + source.path +
                                        " is to be explained");
    }
    if (!source.response.empty()) response_ = file_->column(source.response);
    choose_features(features);
  }

  const Strings& features() const { return features_; }

  Strings classes() const {
    LevelCollector collector;
    Selection selection;
    selection.columns.push_back({*response_, collector.code()});
    file_->read(file_->extent(), selection, kBlockRows, [](const TableRows&) {});
    const auto alone = make_self_communicator();
    return collector.merge(Stream(), *alone, source_.path + ": the response");
  }

  // rows x (1 + features); the response by its code, or as a number; NaN where there is none.
  std::vector<double> read(const FieldCode& code) const {
    Selection selection;
    if (response_) selection.columns.push_back({*response_, code});
    for (const std::string& name : features_) selection.columns.push_back({file_->column(name)});
    std::vector<double> values;
    const std::size_t usable = usable_memory_bytes();
    file_->read(file_->extent(), selection, kBlockRows, [&](const TableRows& block) {
      const std::size_t columns = selection.columns.size();
      for (std::size_t row = 0; row < block.rows(); ++row) {
        const double* const first = block.values.data + row * columns;
        if (!response_) values.push_back(std::numeric_limits<double>::quiet_NaN());
        values.insert(values.end(), first, first + columns);
      }
      if (usable > 0 && values.size() * (sizeof(double) + sizeof(float)) > usable) {
        throw Error(ExitCode::kFile, source_.path + " does not fit into the " +
                                         std::to_string(usable >> 20) +
                                         " MiB of memory that there are: a network keeps its rows "
                                         "in memory");
      }
    });
    return values;
  }

 private:
  void choose_features(const Strings& wanted) {
    for (const std::string& name : wanted.empty() ? file_->columns() : wanted) {
      const bool is_response = response_ && file_->column(name) == *response_;
      if (is_response && wanted.empty()) continue;
      if (is_response || std::ranges::count(wanted, name) > 1) {
        throw Error(ExitCode::kUsage,
                    "column '" + name + "' of " + source_.path + " is named " +
                        (is_response ? "as response and as feature" : "twice among the features"));
      }
      features_.push_back(name);
    }
    if (features_.empty()) {
      throw Error(ExitCode::kUsage, source_.path + " has no features beside its response");
    }
  }

  const RowSource& source_;
  std::unique_ptr<TableFile> file_;
  std::optional<std::size_t> response_;
  Strings features_;
};

// The design of a table's rows but for its classes.
RowDesign standard_design(const std::vector<double>& values, const std::vector<std::size_t>& rows,
                          RowDesign design, bool classes) {
  const std::size_t width = design.features.size() + 1;
  for (std::size_t column = 0; column < width; ++column) {
    if (column == 0 && classes) continue;
    const Standardization found = standardization_of(
        rows.size(), [&](std::size_t i) { return values[rows[i] * width + column]; });
    if (column == 0) {
      design.response_mean = found.mean;
      design.response_sd = found.sd;
    } else {
      design.mean[column - 1] = found.mean;
      design.sd[column - 1] = found.sd;
    }
  }
  return design;
}

Rows scaled(const std::vector<double>& values, const std::vector<std::size_t>& chosen,
            const RowDesign& design) {
  Rows rows{.count = chosen.size(), .features = design.features.size()};
  rows.x.reserve(rows.count * rows.features);
  for (const std::size_t row : chosen) {
    const double* const value = values.data() + row * (rows.features + 1);
    for (std::size_t j = 0; j < rows.features; ++j) {
      rows.x.push_back(static_cast<float>((value[j + 1] - design.mean[j]) / design.sd[j]));
    }
    if (design.classes.empty()) {
      rows.response.push_back(
          static_cast<float>((value[0] - design.response_mean) / design.response_sd));
    } else {
      rows.labels.push_back(std::isnan(value[0]) ? kNoTarget : static_cast<std::int32_t>(value[0]));
    }
  }
  return rows;
}

FieldCode code_of(const Strings& classes) {
  return classes.empty() ? FieldCode() : Levels(classes).code();
}

RowExamples read_table(const RowSource& source, Response response, Scaling scaling) {
  if (scaling == Scaling::kUnit) {
    throw Error(ExitCode::kUsage,
                "data.scaling = \"unit\" is for images; " + source.path + " is a table");
  }
  const Table table(source, source.features);
  const bool classes = response == Response::kClass;
  RowDesign design{.features = table.features()};
  design.mean.assign(design.features.size(), 0.0);
  design.sd.assign(design.features.size(), 1.0);
  if (classes) design.classes = table.classes();
  const std::vector<double> values = table.read(code_of(design.classes));
  const std::vector<std::size_t> rows =
      chosen_rows(source, values.size() / (design.features.size() + 1));
  if (scaling == Scaling::kStandard) design = standard_design(values, rows, design, classes);
  return {scaled(values, rows, design), design};
}

RowExamples read_table(const RowSource& source, const RowDesign& design) {
  const Table table(source, design.features, true);
  const std::vector<double> values = table.read(code_of(design.classes));
  const std::vector<std::size_t> rows =
      chosen_rows(source, values.size() / (design.features.size() + 1));
  return {scaled(values, rows, design), design};
}

bool ends_as_idx(const std::string& path) {
  std::filesystem::path name(path);
  if (name.extension() == ".gz") name.replace_extension();
  const std::string text = name.filename().string();
  return text.ends_with("-ubyte") || name.extension() == ".idx";
}

}  // namespace

bool is_idx(const RowSource& source) {
  return source.format == "idx" || (source.format == "auto" && ends_as_idx(source.path));
}

RowExamples read_rows(const RowSource& source, Response response, Scaling scaling) {
  return is_idx(source) ? read_images(source, response, scaling)
                        : read_table(source, response, scaling);
}

RowExamples read_rows(const RowSource& source, const RowDesign& design) {
  const bool images = design.pixels > 0;
  if (images != is_idx(source)) {
    throw Error(ExitCode::kUsage, source.path + (images ? " is a table where training had images"
                                                        : " holds images where training had rows"));
  }
  return images ? read_images(source, design) : read_table(source, design);
}

}  // namespace bayesum
