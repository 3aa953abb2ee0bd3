#include <vector>

#include "core/agree.hpp"
#include "core/data/open_table.hpp"
#include "launch/commands.hpp"
#include "launch/network/predict_network.hpp"
#include "launch/prediction_file.hpp"
#include "launch/report.hpp"
#include "models/latent/latent_report.hpp"
#include "models/network/open_network.hpp"
#include "models/prediction.hpp"

namespace bayesum {
namespace {

// Can the response be read, where there is one?
bool has_response(const DataConfig& config) {
  if (names_npy_file(config.response)) return true;
  const auto table = open_table(config, Support::kNone);
  return config.response.empty() ? table->sparse() : table->has_column(config.response);
}

void write_responses(const TrainedModel& trained, Dataset& data, bool with_response,
                     PredictionFile& file) {
  const Strings& classes = trained.design.classes;
  Strings columns = response_columns(classes);
  if (with_response) columns.emplace_back("log_density");
  file.add_header(columns);
  data.visit(Stream(), 0, [&](const Batch& batch) {
    for (const Prediction& p : predict(trained, batch)) {
      file.begin_row();
      add_response(file, p, classes);
      if (with_response) file.add(p.log_density);
      file.end_row();
    }
  });
}

void write_latents(const TrainedModel& trained, Dataset& data, PredictionFile& file) {
  const Strings columns = latent_columns(trained);
  file.add_header(columns);
  data.visit(Stream(), 0, [&](const Batch& batch) {
    const std::vector<double> values = latent_rows(trained, batch);
    for (std::size_t i = 0; i < batch.rows(); ++i) {
      file.begin_row();
      for (std::size_t j = 0; j < columns.size(); ++j) file.add(values[i * columns.size() + j]);
      file.end_row();
    }
  });
}

void write_predictions(const PredictOptions& options) {
  const TrainedModel trained = load_trained(options.trained);
  DataConfig config = config_of(options.data, trained);
  config.virtual_shards = 1;
  config.keep_rows = true;
  config.weight.clear();
  const bool latent = has_latent_rows(trained);
  const bool with_response = !latent && has_response(config);
  Dataset data(config, latent || with_response ? support_of(trained.model.name) : Support::kNone);
  data.set_design(trained.design, keeps_sparse(*model_of(trained), trained.design));
  PredictionFile file(options.out);
  if (latent) {
    write_latents(trained, data, file);
  } else {
    write_responses(trained, data, with_response, file);
  }
  file.finish();
}

}  // namespace

ExitCode predict(const PredictOptions& options, Job& job) {
  bool network = false;
  agree(job.ranks(), Stream(), [&] { network = is_network_file(posterior_path(options.trained)); });
  if (network) return predict_network(options, job);
  agree(job.ranks(), Stream(), [&] {
    if (job.ranks().rank() == 0) write_predictions(options);
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
