#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/config.hpp"
#include "models/predictive_distribution.hpp"

namespace bayesum {

// A CSV file (RFC 4180) of predictions, a line for each row of the data: standard output ("-"), or
// a file that has its name once it is whole. Error(kFile) for what cannot be written.
class PredictionFile {
 public:
  explicit PredictionFile(const std::filesystem::path& path);
  PredictionFile(const PredictionFile&) = delete;
  PredictionFile& operator=(const PredictionFile&) = delete;
  ~PredictionFile();

  void add_header(const Strings& columns);  // behind the number of the row

  void begin_row();
  void add(double x);  // NaN is an empty cell
  void add(const std::string& text);
  void end_row();

  void finish();  // and tells how many rows there are

 private:
  std::ostream& out();
  void check();

  std::filesystem::path path_;
  bool to_stdout_;
  std::filesystem::path part_;
  std::ofstream file_;
  std::size_t rows_ = 0;
  std::string line_;
};

// The columns of a response: mean, sd, low90, high90; or, of one of classes, the most probable
// class and the probability of each.
Strings response_columns(const Strings& classes);
void add_response(PredictionFile& file, const Prediction& prediction, const Strings& classes);

}  // namespace bayesum
