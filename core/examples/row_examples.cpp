#include "core/examples/row_examples.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/files/hash.hpp"
#include "kernels/error.hpp"

namespace bayesum {

RowExamples::RowExamples(Rows rows, RowDesign design)
    : rows_(std::move(rows)), design_(std::move(design)) {
  const bool labelled = !design_.classes.empty();
  const std::size_t values = rows_.count * rows_.features;
  const std::size_t scales = rows_.pixels.empty() ? rows_.features : 1;
  if (rows_.count == 0) throw Error(ExitCode::kFile, "there are no rows to learn from");
  if (rows_.x.size() + rows_.pixels.size() != values || design_.mean.size() != scales ||
      design_.sd.size() != scales || rows_.labels.size() != (labelled ? rows_.count : 0) ||
      rows_.response.size() != (labelled ? 0 : rows_.count)) {
    throw Error(ExitCode::kUsage, "the rows do not fit their design");
  }
  shape_ = {.features = rows_.features,
            .classes = design_.classes.size(),
            .responses = labelled ? std::size_t{0} : std::size_t{1}};
  for (std::size_t value = 0; !rows_.pixels.empty() && value < shade_.size(); ++value) {
    shade_[value] =
        static_cast<float>((static_cast<double>(value) - design_.mean[0]) / design_.sd[0]);
  }
}

void RowExamples::fetch(std::span<const ExampleId> ids, const ExampleBuffers& out) const {
  check_buffers(shape_, ids.size(), out);
  for (std::size_t row = 0; row < ids.size(); ++row) fetch_row(ids[row].index, row, out);
}

void RowExamples::fetch_in_order(std::uint64_t first, std::size_t rows,
                                 const ExampleBuffers& out) const {
  check_buffers(shape_, rows, out);
  for (std::size_t row = 0; row < rows; ++row) fetch_row(first + row, row, out);
}

void RowExamples::fetch_row(std::uint64_t index, std::size_t row, const ExampleBuffers& out) const {
  if (index >= rows_.count) {
    throw Error(ExitCode::kUsage,
                "there is no row " + std::to_string(index) + " of " + std::to_string(rows_.count));
  }
  const std::size_t features = rows_.features;
  float* const x = out.features.data() + row * features;
  if (rows_.pixels.empty()) {
    std::copy_n(rows_.x.data() + index * features, features, x);
  } else {
    const std::uint8_t* const pixels = rows_.pixels.data() + index * features;
    for (std::size_t j = 0; j < features; ++j) x[j] = shade_[pixels[j]];
  }
  if (!rows_.labels.empty()) out.labels[row] = rows_.labels[index];
  if (!rows_.response.empty()) out.response[row] = rows_.response[index];
}

std::uint64_t RowExamples::fingerprint() const {
  Hash hash;
  const std::uint64_t count = rows_.count;
  hash.add(std::as_bytes(std::span(&count, 1)));
  hash.add(std::as_bytes(std::span(rows_.x)));
  hash.add(std::as_bytes(std::span(rows_.pixels)));
  hash.add(std::as_bytes(std::span(rows_.labels)));
  hash.add(std::as_bytes(std::span(rows_.response)));
  return hash.value();
}

}  // namespace bayesum
