#pragma once

#include <cmath>
#include <filesystem>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/data/dataset.hpp"
#include "distributed/self.hpp"
#include "tests/core/files.hpp"

namespace bayesum::testing {

// y, w, o, a, b and the constant c, with a far from zero and some weights zero.
struct Table {
  std::vector<std::vector<double>> rows;

  Table(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < size; ++i) {
      rows.push_back({std::floor(std::exp(normal(random))), static_cast<double>(random() % 4) / 2,
                      normal(random) / 3, 1e6 + normal(random), 0.01 * normal(random), 2.5});
    }
  }
  std::string text() const {
    std::ostringstream out;
    out.precision(17);
    out << "y,w,o,a,b,c\n";
    for (const auto& row : rows) {
      for (std::size_t j = 0; j < row.size(); ++j) out << (j == 0 ? "" : ",") << row[j];
      out << "\n";
    }
    return out.str();
  }
};

inline DataConfig config_of(const std::filesystem::path& path) {
  DataConfig config;
  config.path = path;
  config.response = "y";
  config.weight = "w";
  config.offset = "o";
  return config;
}

inline DataSummary scan_alone(const DataConfig& config, Support support) {
  const auto communicator = make_self_communicator();
  return Dataset(config, support).scan(Stream(), *communicator);
}

// What a dataset gives, shard after shard.
struct Rows {
  std::vector<double> x, y, offset, weight;
  std::vector<std::size_t> block_sizes;
  friend bool operator==(const Rows&, const Rows&) = default;
};

inline Rows visit_all(Dataset& data) {
  Rows all;
  const auto append = [](std::vector<double>& to, std::span<const double> from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (std::size_t shard = 0; shard < data.virtual_shards(); ++shard) {
    data.visit(Stream(), shard, [&](const Batch& batch) {
      all.block_sizes.push_back(batch.x.rows);
      EXPECT_EQ(batch.x.cols, data.design().columns());
      for (std::size_t i = 0; i < batch.x.rows; ++i) {
        append(all.x, {batch.x.data + i * batch.x.stride, batch.x.cols});
      }
      append(all.y, batch.y);
      append(all.offset, batch.offset);
      append(all.weight, batch.weight);
    });
  }
  return all;
}

// Leaves size and time of the file as they were.
inline void rewrite(const std::filesystem::path& path, const std::string& content) {
  const auto time = std::filesystem::last_write_time(path);
  TemporaryFolder::write(path, content);
  std::filesystem::last_write_time(path, time);
}

inline Design plain_design(const Dataset& data) {
  Design design;
  design.features = data.features();
  design.mean.assign(design.features.size(), 0.0);
  design.sd.assign(design.features.size(), 1.0);
  return design;
}

}  // namespace bayesum::testing
