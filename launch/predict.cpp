#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "core/agree.hpp"
#include "launch/commands.hpp"
#include "launch/report.hpp"
#include "launch/table.hpp"
#include "models/latent_report.hpp"
#include "models/prediction.hpp"

namespace bayesum {
namespace {

void append_number(std::string& line, double x) {
  std::array<char, 32> text{};
  line.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), x).ptr);
}

// Standard output, or a file that has its name once it is whole.
class PredictionFile {
 public:
  explicit PredictionFile(const std::filesystem::path& path)
      : path_(path), to_stdout_(path == "-") {
    if (!to_stdout_) {
      part_ = path;
      part_ += ".part";
      file_.open(part_);
      check();
    }
  }
  PredictionFile(const PredictionFile&) = delete;
  PredictionFile& operator=(const PredictionFile&) = delete;
  ~PredictionFile() {
    std::error_code ignored;
    if (!to_stdout_) std::filesystem::remove(part_, ignored);
  }

  void add_header(const std::vector<std::string>& columns) {
    out() << "row";
    for (const std::string& column : columns) out() << ',' << column;
    out() << '\n';
  }

  void add(std::span<const double> values) {
    std::string line = std::to_string(++rows_);
    for (const double x : values) append_number(line += ',', x);
    out() << line << '\n';
    check();
  }

  void finish() {
    out().flush();
    check();
    if (to_stdout_) return;
    file_.close();
    std::filesystem::rename(part_, path_);
    std::cout << "wrote " << counted(rows_, "row") << " to " << path_.string() << std::endl;
  }

 private:
  std::ostream& out() { return to_stdout_ ? std::cout : file_; }
  void check() {
    if (out()) return;
    throw Error(ExitCode::kFile,
                "cannot write " + path_.string() + ": " + std::generic_category().message(errno));
  }

  std::filesystem::path path_;
  bool to_stdout_;
  std::filesystem::path part_;
  std::ofstream file_;
  std::size_t rows_ = 0;
};

void write_responses(const TrainedModel& trained, Dataset& data, bool has_response,
                     PredictionFile& file) {
  std::vector<std::string> columns = {"mean", "sd", "low90", "high90"};
  if (has_response) columns.emplace_back("log_density");
  file.add_header(columns);
  data.visit(Stream(), 0, [&](const Batch& batch) {
    for (const Prediction& p : predict(trained, batch)) {
      const std::array<double, 5> values{p.mean, p.sd, p.low, p.high, p.log_density};
      file.add(std::span(values).first(columns.size()));
    }
  });
}

void write_latents(const TrainedModel& trained, Dataset& data, PredictionFile& file) {
  file.add_header(latent_columns(trained));
  data.visit(Stream(), 0, [&](const Batch& batch) {
    const std::vector<double> values = latent_rows(trained, batch);
    const std::size_t columns = values.size() / batch.rows();
    for (std::size_t i = 0; i < batch.rows(); ++i) {
      file.add(std::span(values).subspan(i * columns, columns));
    }
  });
}

void write_predictions(const PredictOptions& options) {
  const TrainedModel trained = load_trained(options.trained);
  const std::vector<std::string> columns = CsvFile(options.data).columns();
  const bool has_response =
      !has_latent_rows(trained) &&
      std::find(columns.begin(), columns.end(), trained.columns.response) != columns.end();
  DataConfig config = trained.columns;
  config.path = options.data.string();
  config.features = trained.design.features;
  config.virtual_shards = 1;
  config.cache_mib = 0;
  const bool checked = has_response || has_latent_rows(trained);
  Dataset data(config, checked ? support_of(trained.model.name) : Support::kNone);
  data.set_design(trained.design);
  PredictionFile file(options.out);
  if (has_latent_rows(trained)) {
    write_latents(trained, data, file);
  } else {
    write_responses(trained, data, has_response, file);
  }
  file.finish();
}

}  // namespace

ExitCode predict(const PredictOptions& options, Job& job) {
  agree(job.ranks(), Stream(), [&] {
    if (job.ranks().rank() == 0) write_predictions(options);
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
