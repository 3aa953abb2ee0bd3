// Rows read a second: what files of rows give, all columns selected, and what a Dataset makes of
// them. The same numbers in every format: 11 columns, of libsvm rows half the elements.

#include <benchmark/benchmark.h>
#include <unistd.h>
#include <zlib.h>

#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/data/dataset.hpp"
#include "core/data/open_table.hpp"
#include "tests/bench/bench_data.hpp"

namespace bayesum::bench {
namespace {

constexpr std::size_t kRows = 100000;
constexpr std::size_t kColumns = 11;

std::string number(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string csv(const Buffer<double>& values) {
  std::string text = "y";
  for (std::size_t j = 1; j < kColumns; ++j) text += ",x" + std::to_string(j);
  for (std::size_t k = 0; k < values.size(); ++k) {
    text += (k % kColumns == 0 ? "\n" : ",") + number(values.data()[k]);
  }
  return text + "\n";
}

std::string libsvm(const Buffer<double>& values) {
  std::string text;
  for (std::size_t i = 0; i < kRows; ++i) {
    const double* const row = values.data() + i * kColumns;
    text += number(row[0]);
    for (std::size_t j = 1 + i % 2; j < kColumns; j += 2) {
      text += " " + std::to_string(j) + ":" + number(row[j]);
    }
    text += "\n";
  }
  return text;
}

std::string npy(const Buffer<double>& values) {
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (" +
                       std::to_string(kRows) + ", " + std::to_string(kColumns) + "), }";
  header.append(117 - header.size(), ' ').append("\n");
  std::string bytes = std::string("\x93NUMPY\1\0v\0", 10) + header;
  const std::size_t start = bytes.size();
  bytes.resize(start + values.size() * sizeof(double));
  std::memcpy(bytes.data() + start, values.data(), values.size() * sizeof(double));
  return bytes;
}

// A file in a temporary folder, gone at the end.
class File {
 public:
  File(const std::string& name, const std::string& content)
      : path_(std::filesystem::temp_directory_path() /
              ("bayesum-bench-" + std::to_string(getpid()) + "-" + name)) {
    if (name.ends_with(".gz")) {
      const gzFile file = gzopen(path_.c_str(), "wb6");
      gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
      gzclose(file);
    } else {
      std::ofstream(path_, std::ios::binary) << content;
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { std::filesystem::remove(path_); }

  DataConfig config() const {
    DataConfig config;
    config.path = path_;
    config.cache_mib = 0;
    return config;
  }

 private:
  std::filesystem::path path_;
};

std::string content(const std::string& name) {
  const Buffer<double> values = noise(kRows * kColumns, 3);
  if (name.starts_with("a.npy")) return npy(values);
  return name.starts_with("a.libsvm") ? libsvm(values) : csv(values);
}

void read(benchmark::State& state, const std::string& name) {
  const File file(name, content(name));
  const auto table = open_table(file.config(), Support::kNone);
  Selection selection;
  for (std::size_t j = 0; j < kColumns; ++j) selection.columns.push_back({j});
  selection.first_sparse = table->sparse() ? 1 : kColumns;
  for (auto _ : state) {
    table->read(table->extent(), selection, 4096,
                [](const TableRows& rows) { benchmark::DoNotOptimize(rows.values.data); });
  }
  state.counters["rows"] = rate(kRows);
}

void visit(benchmark::State& state, const std::string& name, bool keep_sparse) {
  const File file(name, content(name));
  DataConfig config = file.config();
  if (!name.starts_with("a.libsvm")) config.response = name.starts_with("a.npy") ? "x1" : "y";
  Strings features;
  for (std::size_t j = 2; j < kColumns; ++j) {
    features.push_back((name.starts_with("a.libsvm") ? "" : "x") + std::to_string(j));
  }
  config.features = features;
  Dataset data(config, Support::kReal);
  data.set_design(Design::of(inputs_of_numbers(features), true, true), keep_sparse);
  for (auto _ : state) {
    for (std::size_t shard = 0; shard < data.virtual_shards(); ++shard) {
      data.visit(Stream(), shard,
                 [](const Batch& batch) { benchmark::DoNotOptimize(batch.y.data()); });
    }
  }
  state.counters["rows"] = rate(kRows);
}

// Opening a packed file unpacks it once.
void open_packed(benchmark::State& state) {
  const File file("a.csv.gz", content("a.csv.gz"));
  for (auto _ : state) benchmark::DoNotOptimize(open_table(file.config(), Support::kNone));
  state.counters["rows"] = rate(kRows);
}

BENCHMARK_CAPTURE(read, csv, "a.csv")->UseRealTime();
BENCHMARK_CAPTURE(read, csv_gz, "a.csv.gz")->UseRealTime();
BENCHMARK_CAPTURE(read, libsvm, "a.libsvm")->UseRealTime();
BENCHMARK_CAPTURE(read, npy, "a.npy")->UseRealTime();
BENCHMARK_CAPTURE(read, npy_gz, "a.npy.gz")->UseRealTime();
BENCHMARK_CAPTURE(visit, csv, "a.csv", false)->UseRealTime();
BENCHMARK_CAPTURE(visit, libsvm_dense, "a.libsvm", false)->UseRealTime();
BENCHMARK_CAPTURE(visit, libsvm_sparse, "a.libsvm", true)->UseRealTime();
BENCHMARK_CAPTURE(visit, npy, "a.npy", false)->UseRealTime();
BENCHMARK(open_packed)->UseRealTime();

}  // namespace
}  // namespace bayesum::bench

BENCHMARK_MAIN();
