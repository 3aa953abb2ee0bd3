#include "core/examples/read_images.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "core/examples/idx.hpp"
#include "core/examples/row_choice.hpp"
#include "kernels/error.hpp"

namespace bayesum {
namespace {

std::vector<std::uint8_t> labels_of(const RowSource& source, std::size_t images) {
  std::vector<std::uint8_t> labels = read_idx_labels(source.response);
  if (labels.size() == images) return labels;
  throw Error(ExitCode::kFile, source.response + " has " + std::to_string(labels.size()) +
                                   " labels for the " + std::to_string(images) + " images of " +
                                   source.path);
}

// Images and their labels, those rows that are chosen; kNoTarget where no labels are named.
Rows images_and_labels(const RowSource& source) {
  if (!source.features.empty() || !source.feature_names.empty()) {
    throw Error(ExitCode::kUsage, source.path + " holds images: their features are the pixels");
  }
  const IdxImages images = read_idx_images(source.path);
  const bool labelled = !source.response.empty();
  const auto labels = labelled ? labels_of(source, images.count) : std::vector<std::uint8_t>();
  const std::vector<std::size_t> chosen = chosen_rows(source, images.count);
  Rows rows{.count = chosen.size(), .features = images.rows * images.columns};
  rows.pixels.reserve(rows.count * rows.features);
  for (const std::size_t row : chosen) {
    const auto first = images.pixels.begin() + static_cast<std::ptrdiff_t>(row * rows.features);
    rows.pixels.insert(rows.pixels.end(), first,
                       first + static_cast<std::ptrdiff_t>(rows.features));
    rows.labels.push_back(labelled ? labels[row] : kNoTarget);
  }
  return rows;
}

}  // namespace

RowExamples read_images(const RowSource& source, Response response, Scaling scaling) {
  if (response == Response::kReal) {
    throw Error(ExitCode::kUsage, source.path +
                                      " holds images, whose labels are classes and no "
                                      "numbers to be explained");
  }
  if (source.response.empty()) {
    throw Error(ExitCode::kUsage,
                "data.response does not name the file of labels of " + source.path);
  }
  Rows rows = images_and_labels(source);
  RowDesign design{
      .pixels = rows.features, .mean = {0.0}, .sd = {scaling == Scaling::kUnit ? 255.0 : 1.0}};
  if (scaling == Scaling::kStandard) {
    const Standardization found = standardization_of(
        rows.pixels.size(), [&](std::size_t i) { return static_cast<double>(rows.pixels[i]); });
    design.mean[0] = found.mean;
    design.sd[0] = found.sd;
  }
  const std::int32_t largest = *std::ranges::max_element(rows.labels);
  for (std::int32_t label = 0; label <= largest; ++label) {
    design.classes.push_back(std::to_string(label));
  }
  return {std::move(rows), std::move(design)};
}

RowExamples read_images(const RowSource& source, const RowDesign& design) {
  Rows rows = images_and_labels(source);
  if (rows.features != design.pixels) {
    throw Error(ExitCode::kFile, source.path + ": images of " + std::to_string(rows.features) +
                                     " pixels where those of the training have " +
                                     std::to_string(design.pixels));
  }
  const auto unknown = std::ranges::find_if(rows.labels, [&](std::int32_t label) {
    return label != kNoTarget && static_cast<std::size_t>(label) >= design.classes.size();
  });
  if (unknown != rows.labels.end()) {
    throw Error(ExitCode::kFile, source.response + ": label " + std::to_string(*unknown) +
                                     " is one that training has not seen, which knows 0 to " +
                                     std::to_string(design.classes.size() - 1));
  }
  return {std::move(rows), design};
}

}  // namespace bayesum
