#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/examples/examples.hpp"

namespace bayesum {

// What a training establishes of its rows, to be kept with the model: other rows are read alike,
// and what is predicted is told in the units of the file. A network sees
//   (x_j - mean_j) / sd_j   and   (y - response_mean) / response_sd,
// so that with z the network's response, y = response_mean + response_sd z, and the log-density of
// y is that of z less log response_sd.
struct RowDesign {
  Strings features = {};          // names of the columns; of images there are none, but
  std::size_t pixels = 0;         // so many of an image
  std::vector<double> mean = {};  // of each feature; of images one for all pixels
  std::vector<double> sd = {};    // 1 for what is constant
  Strings classes = {};           // of labels, in their order; empty: the response is a number
  double response_mean = 0;
  double response_sd = 1;
};

// Rows in memory: those of a table as float32, those of images as bytes.
struct Rows {
  std::size_t count = 0;
  std::size_t features = 0;
  std::vector<float> x = {};              // count x features, scaled; or
  std::vector<std::uint8_t> pixels = {};  // the same, to be scaled when they are fetched
  std::vector<std::int32_t> labels = {};  // count, where there are classes
  std::vector<float> response = {};       // count, scaled, where there are none
};

// Rows of numbers with a label or a response. An epoch is all of them, in ExampleOrder's order; for
// scores they come in the order of the file.
class RowExamples : public Examples {
 public:
  // Error(kUsage) for rows that do not fit their design, Error(kFile) for none.
  RowExamples(Rows rows, RowDesign design);

  const ExampleShape& shape() const override { return shape_; }
  std::uint64_t size() const override { return rows_.count; }
  void fetch(std::span<const ExampleId> ids, const ExampleBuffers& out) const override;
  std::uint64_t size_in_order() const override { return rows_.count; }
  void fetch_in_order(std::uint64_t first, std::size_t rows,
                      const ExampleBuffers& out) const override;
  // The XXH3 of all rows, as they are in memory.
  std::uint64_t fingerprint() const override;

  const RowDesign& design() const { return design_; }

 private:
  void fetch_row(std::uint64_t index, std::size_t row, const ExampleBuffers& out) const;

  Rows rows_;
  RowDesign design_;
  ExampleShape shape_;
  std::array<float, 256> shade_{};  // what each value of a pixel becomes
};

}  // namespace bayesum
