#include <algorithm>
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
  // `classes`: of a response that is one of them.
  PredictionFile(const std::filesystem::path& path, bool with_response, Strings classes)
      : path_(path),
        with_response_(with_response),
        classes_(std::move(classes)),
        to_stdout_(path == "-") {
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
    if (classes_.empty()) {
      for (const double x : {prediction.mean, prediction.sd, prediction.low, prediction.high}) {
        append_number(line += ',', x);
      }
    } else {
      add_classes(prediction.probabilities, line);
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
    std::string header = "row";
    if (classes_.empty()) header += ",mean,sd,low90,high90";
    if (!classes_.empty()) header += ",class";
    for (const std::string& name : classes_) header += ',' + quoted("p_" + name);
    out() << header << (with_response_ ? ",log_density\n" : "\n");
  }
  // The most probable class, and the probability of each.
  void add_classes(const std::vector<double>& probabilities, std::string& line) const {
    const auto best = std::ranges::max_element(probabilities) - probabilities.begin();
    line += ',' + quoted(classes_[static_cast<std::size_t>(best)]);
    for (const double p : probabilities) append_number(line += ',', p);
  }
  std::ostream& out() { return to_stdout_ ? std::cout : file_; }
  void check() {
    if (out()) return;
    throw Error(ExitCode::kFile,
                "cannot write " + path_.string() + ": " + std::generic_category().message(errno));
  }

  std::filesystem::path path_;
  bool with_response_;
  Strings classes_;
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
  PredictionFile file(options.out, with_response, trained.design.classes);
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
