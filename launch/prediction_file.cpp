#include "launch/prediction_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <iostream>
#include <system_error>

#include "kernels/error.hpp"
#include "launch/table.hpp"

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

}  // namespace

PredictionFile::PredictionFile(const std::filesystem::path& path)
    : path_(path), to_stdout_(path == "-") {
  if (!to_stdout_) {
    part_ = path;
    part_ += ".part";
    file_.open(part_);
    check();
  }
}

PredictionFile::~PredictionFile() {
  std::error_code ignored;
  if (!to_stdout_) std::filesystem::remove(part_, ignored);
}

void PredictionFile::add_header(const Strings& columns) {
  out() << "row";
  for (const std::string& column : columns) out() << ',' << quoted(column);
  out() << '\n';
}

void PredictionFile::begin_row() { line_ = std::to_string(++rows_); }

void PredictionFile::add(double x) {
  line_ += ',';
  if (!std::isnan(x)) append_number(line_, x);
}

void PredictionFile::add(const std::string& text) { line_.append(",").append(quoted(text)); }

void PredictionFile::end_row() {
  out() << line_ << '\n';
  check();
}

void PredictionFile::finish() {
  out().flush();
  check();
  if (to_stdout_) return;
  file_.close();
  std::filesystem::rename(part_, path_);
  std::cout << "wrote " << counted(rows_, "row") << " to " << path_.string() << std::endl;
}

std::ostream& PredictionFile::out() { return to_stdout_ ? std::cout : file_; }

void PredictionFile::check() {
  if (out()) return;
  throw Error(ExitCode::kFile,
              "cannot write " + path_.string() + ": " + std::generic_category().message(errno));
}

Strings response_columns(const Strings& classes) {
  if (classes.empty()) return {"mean", "sd", "low90", "high90"};
  Strings columns = {"class"};
  for (const std::string& name : classes) columns.push_back("p_" + name);
  return columns;
}

void add_response(PredictionFile& file, const Prediction& p, const Strings& classes) {
  if (classes.empty()) {
    for (const double x : {p.mean, p.sd, p.low, p.high}) file.add(x);
    return;
  }
  const auto best = std::ranges::max_element(p.probabilities) - p.probabilities.begin();
  file.add(classes[static_cast<std::size_t>(best)]);
  for (const double x : p.probabilities) file.add(x);
}

}  // namespace bayesum
