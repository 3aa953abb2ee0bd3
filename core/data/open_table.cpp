#include "core/data/open_table.hpp"

#include "core/data/csv.hpp"
#include "core/data/libsvm.hpp"
#include "core/data/npy.hpp"
#include "core/data/whitespace.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

std::string extension(std::filesystem::path path) {
  if (path.extension() == ".gz") path.replace_extension();
  return path.extension();
}

std::string format_of(const DataConfig& config) {
  if (config.format != "auto") return config.format;
  const std::string end = extension(config.path);
  if (end == ".npy") return "npy";
  return end == ".libsvm" || end == ".svm" || end == ".svmlight" ? "libsvm" : "csv";
}

}  // namespace

bool names_npy_file(const std::string& name) { return extension(name) == ".npy"; }

std::unique_ptr<TableFile> open_table(const DataConfig& config, Support support) {
  const std::string format = format_of(config);
  if (format == "csv") {
    if (!config.feature_names.empty()) {
      throw Error(ExitCode::kUsage, "data.feature_names is for libsvm and npy; " + config.path +
                                        " is CSV and has a header");
    }
    return std::make_unique<CsvFile>(config.path);
  }
  const bool unnamed = config.feature_names.empty() && !config.column_names.empty();
  if (format == "libsvm") {
    auto table = std::make_unique<LibsvmFile>(config.path, config.feature_names);
    if (unnamed) table->name_columns(config.column_names);
    return table;
  }
  if (format == "whitespace") {
    return std::make_unique<WhitespaceFile>(config.path, config.feature_names);
  }
  auto table = std::make_unique<NpyFile>(config.path, config.feature_names);
  if (unnamed) table->name_columns(config.column_names);
  const bool predicting = support == Support::kNone;
  for (const std::string* part :
       {&config.response, &config.offset, &config.weight, &config.group}) {
    if (predicting && part != &config.offset) continue;
    if (names_npy_file(*part) && !table->has_column(*part)) table->attach(*part);
  }
  return table;
}

}  // namespace bayesum
