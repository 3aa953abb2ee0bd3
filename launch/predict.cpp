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
#include "core/data/open_table.hpp"
#include "launch/commands.hpp"
#include "launch/report.hpp"
#include "launch/table.hpp"
#include "models/latent/latent_report.hpp"
#include "models/prediction.hpp"

namespace bayesum {
namespace {

void append_number(std::string& line, double x) {
  std::array<char, 32> text{};
  line.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), x).ptr);
}

// A cell of a CSV file (RFC 4180).
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string cell = "\"";
  for (const char c : text) cell.append(c == '"' ? 2 : 1, c);
  return cell + '"';
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

  void add_header(const Strings& columns) {
    out() << "row";
    for (const std::string& column : columns) out() << ',' << quoted(column);
    out() << '\n';
  }

  void begin_row() { line_ = std::to_string(++rows_); }
  // NaN is an empty cell.
  void add(double x) {
    line_ += ',';
    if (!std::isnan(x)) append_number(line_, x);
  }
  void add(const std::string& text) { line_.append(",").append(quoted(text)); }
  void end_row() {
    out() << line_ << '\n';
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
  std::string line_;
};

// Can the response be read, where there is one?
bool has_response(const DataConfig& config) {
  if (names_npy_file(config.response)) return true;
  const auto table = open_table(config, Support::kNone);
  return config.response.empty() ? table->sparse() : table->has_column(config.response);
}

void write_responses(const TrainedModel& trained, Dataset& data, bool with_response,
                     PredictionFile& file) {
  const Strings& classes = trained.design.classes;
  Strings columns = {"mean", "sd", "low90", "high90"};
  if (!classes.empty()) {
    columns = {"class"};
    for (const std::string& name : classes) columns.push_back("p_" + name);
  }
  if (with_response) columns.emplace_back("log_density");
  file.add_header(columns);
  data.visit(Stream(), 0, [&](const Batch& batch) {
    for (const Prediction& p : predict(trained, batch)) {
      file.begin_row();
      if (classes.empty()) {
        for (const double x : {p.mean, p.sd, p.low, p.high}) file.add(x);
      } else {
        const auto best = std::ranges::max_element(p.probabilities) - p.probabilities.begin();
        file.add(classes[static_cast<std::size_t>(best)]);
        for (const double x : p.probabilities) file.add(x);
      }
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
  agree(job.ranks(), Stream(), [&] {
    if (job.ranks().rank() == 0) write_predictions(options);
  });
  return ExitCode::kDone;
}

}  // namespace bayesum
