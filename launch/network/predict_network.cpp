#include "launch/network/predict_network.hpp"

#include <algorithm>

#include "core/agree.hpp"
#include "core/data/open_table.hpp"
#include "kernels/error.hpp"
#include "launch/network/network_assessment.hpp"
#include "launch/prediction_file.hpp"
#include "launch/report.hpp"
#include "models/network/row_prediction.hpp"

namespace bayesum {
namespace {

// The response that is asked for, or that of the training where the table has it; labels of images
// are in a file of their own, as those of the training are.
std::string response_in(const RowSource& source, const OtherData& data,
                        const std::string& of_training) {
  if (!data.response.empty() || is_idx(source) || names_npy_file(of_training)) {
    return data.response;
  }
  DataConfig table;
  table.path = source.path;
  table.format = source.format;
  table.feature_names = source.feature_names;
  return open_table(table, Support::kNone)->has_column(of_training) ? of_training : "";
}

RowSource source_of(const OpenNetwork& trained, const OtherData& data) {
  RowSource source{.path = data.path.string(),
                   .format = data.format == "auto" ? trained.data.format : data.format};
  source.feature_names =
      data.feature_names.empty() ? trained.data.feature_names : data.feature_names;
  source.response = response_in(source, data, trained.data.response);
  return source;
}

void write_rows(const PredictOptions& options, RowPredictor& predictor, std::uint64_t rows,
                const Strings& classes, bool with_response) {
  PredictionFile file(options.out);
  Strings columns = response_columns(classes);
  for (const std::string& name : classes) columns.push_back("at_mean_p_" + name);
  if (with_response) columns.emplace_back("log_density");
  file.add_header(columns);
  for (std::uint64_t first = 0; first < rows; first += predictor.rows()) {
    const auto there = std::min<std::uint64_t>(predictor.rows(), rows - first);
    const RowPredictions said = predictor.predict(first, static_cast<std::size_t>(there));
    for (std::size_t row = 0; row < there; ++row) {
      file.begin_row();
      add_response(file, said.averaged[row], classes);
      for (const double p : said.at_mean[row].probabilities) file.add(p);
      if (with_response) file.add(said.averaged[row].log_density);
      file.end_row();
    }
  }
  file.finish();
}

void write_predictions(const PredictOptions& options, const Stream& stream) {
  const OpenNetwork trained = open_network(stream, posterior_path(options.trained));
  if (trained.shape.is_tokens()) {
    throw Error(ExitCode::kUsage, options.trained.string() +
                                      " holds a language model, which has no rows to predict: "
                                      "`bayesum generate` writes its texts, `bayesum "
                                      "evaluate` scores others");
  }
  check_other_data(options.data, trained);
  const RowSource source = source_of(trained, options.data);
  const RowExamples examples = read_rows(source, trained.design);
  WeightDraws draws = draws_of(trained, options.samples);
  RowPredictor predictor(stream, *trained.network, draws, examples, trained.design);
  write_rows(options, predictor, examples.size_in_order(), trained.design.classes,
             !source.response.empty());
}

}  // namespace

ExitCode predict_network(const PredictOptions& options, Job& job) {
  RunConfig run;
  run.device = options.device;
  run_on_ranks(job, run, [&](Communicator& ranks, const Stream& stream) {
    agree(ranks, stream, [&] {
      if (ranks.rank() == 0) write_predictions(options, stream);
    });
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
