#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <system_error>

#include "core/agree.hpp"
#include "core/open_table.hpp"
#include "launch/commands.hpp"
#include "launch/report.hpp"
#include "launch/table.hpp"
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
  PredictionFile(const std::filesystem::path& path, bool with_response)
      : path_(path), with_response_(with_response), to_stdout_(path == "-") {
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

  void add(const Prediction& prediction) {
    if (rows_ == 0) add_header();
    std::string line = std::to_string(++rows_);
    for (const double x : {prediction.mean, prediction.sd, prediction.low, prediction.high}) {
      append_number(line += ',', x);
    }
    if (with_response_) line += ',';
    if (with_response_ && !std::isnan(prediction.log_density)) {
      append_number(line, prediction.log_density);
    }
    out() << line << '\n';
    check();
  }

  void finish() {
    if (rows_ == 0) add_header();
    out().flush();
    check();
    if (to_stdout_) return;
    file_.close();
    std::filesystem::rename(part_, path_);
    std::cout << "wrote " << counted(rows_, "row") << " to " << path_.string() << std::endl;
  }

 private:
  void add_header() {
    out() << "row,mean,sd,low90,high90" << (with_response_ ? ",log_density\n" : "\n");
  }
  std::ostream& out() { return to_stdout_ ? std::cout : file_; }
  void check() {
    if (out()) return;
    throw Error(ExitCode::kFile,
                "cannot write " + path_.string() + ": " + std::generic_category().message(errno));
  }

  std::filesystem::path path_;
  bool with_response_;
  bool to_stdout_;
  std::filesystem::path part_;
  std::ofstream file_;
  std::size_t rows_ = 0;
};

// Can the response be read, where there is one?
bool has_response(const DataConfig& config) {
  if (names_npy_file(config.response)) return true;
  const auto table = open_table(config, Support::kNone);
  return config.response.empty() ? table->sparse() : table->has_column(config.response);
}

void write_predictions(const PredictOptions& options) {
  const TrainedModel trained = load_trained(options.trained);
  DataConfig config = config_of(options.data, trained);
  config.virtual_shards = 1;
  config.keep_rows = true;
  const bool with_response = has_response(config);
  Dataset data(config, with_response ? support_of(trained.model.name) : Support::kNone);
  data.set_design(trained.design);
  PredictionFile file(options.out, with_response);
  data.visit(Stream(), 0, [&](const Batch& batch) {
    for (const Prediction& prediction : predict(trained, batch)) file.add(prediction);
  });
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
