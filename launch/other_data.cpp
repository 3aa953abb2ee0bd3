#include "launch/other_data.hpp"

#include "core/data/open_table.hpp"
#include "kernels/error.hpp"

namespace bayesum {

DataConfig config_of_training(const OtherData& data, const TrainedModel& trained) {
  DataConfig config = trained.columns;
  config.path = data.path.string();
  config.format = data.format;
  config.feature_names = data.feature_names;
  config.cache_mib = 0;
  config.features.clear();
  for (const Input& input : trained.design.inputs) config.features.push_back(input.name);
  config.column_names = config.features;
  return config;
}

DataConfig config_of(const OtherData& data, const TrainedModel& trained) {
  DataConfig config = config_of_training(data, trained);
  const auto choose = [](std::string& part, const std::string& given) {
    const bool of_training_rows = names_npy_file(part);
    if (!given.empty() || of_training_rows) part = given;
    return of_training_rows && given.empty();
  };
  choose(config.response, data.response);
  choose(config.weight, data.weight);
  if (choose(config.offset, data.offset)) {
    throw Error(ExitCode::kUsage, "the model was trained with the offset " +
                                      trained.columns.offset +
                                      " beside its rows: name that of these rows with --offset");
  }
  return config;
}

}  // namespace bayesum
